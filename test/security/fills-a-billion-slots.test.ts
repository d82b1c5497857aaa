import { attackTest } from "../support/attack-test.ts";

attackTest("an array of a billion slots meets the memory limit", async ({ attack, expect }) => {
  const result = await attack({ body: "return Array(1e9).fill(0).length;" });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "memory",
      limit: 64,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.memoryMiB$/u),
    },
  });
});
