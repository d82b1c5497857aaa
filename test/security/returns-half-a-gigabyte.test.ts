import { attackTest } from "../support/attack-test.ts";

attackTest("an output of 500 MB never leaves the isolate", async ({ attack, expect }) => {
  const result = await attack({ body: 'return "x".repeat(500_000_000);' });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "output-size",
      limit: 256,
      used: 488_282,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.outputKiB$/u),
    },
  });
});
