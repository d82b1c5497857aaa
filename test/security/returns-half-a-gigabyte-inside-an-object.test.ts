import { attackTest } from "../support/attack-test.ts";

attackTest("500 MB inside an object never leave the isolate", async ({ attack, expect }) => {
  const result = await attack({ body: 'return { text: "x".repeat(500_000_000) };' });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "memory",
      limit: 64,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.memoryMiB$/u),
    },
  });
});
