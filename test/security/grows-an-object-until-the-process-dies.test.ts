import { attackTest } from "../support/attack-test.ts";

attackTest("keys that make the engine give up count as memory", async ({ attack, expect }) => {
  const result = await attack({
    body: 'const long = "key".repeat(500); const all = {}; for (let i = 0; ; i++) all[long + i] = i;',
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
