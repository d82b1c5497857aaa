import { attackTest } from "../support/attack-test.ts";

attackTest("a log of a megabyte meets the log limit", async ({ attack, expect }) => {
  const result = await attack({ body: 'host.log("x".repeat(1_000_000));' });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "log-size",
      limit: 64,
      used: 977,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.logKiB$/u),
    },
  });
});
