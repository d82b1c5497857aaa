import { attackTest } from "../support/attack-test.ts";

attackTest("a map that makes the engine give up counts as memory", async ({ attack, expect }) => {
  const result = await attack({
    body: "const all = new Map(); for (let i = 0; ; i++) all.set(i, i);",
  });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "memory",
      limit: 64,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.memoryMiB$/u),
    },
  });
});
