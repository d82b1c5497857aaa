import { attackTest } from "../support/attack-test.ts";

attackTest("strings without end meet the memory limit", async ({ attack, expect }) => {
  const result = await attack({
    body: 'const all = []; for (;;) all.push(new Array(100_000).fill("text").join(""));',
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
