import { attackTest } from "../support/attack-test.ts";

attackTest("logging without end meets the limit of host calls", async ({ attack, expect }) => {
  const result = await attack({
    body: 'for (;;) { try { host.log("x"); } catch {} if (globalThis.count = (globalThis.count ?? 0) + 1, globalThis.count > 300) return "caught"; }',
  });
  expect(result).toMatchObject({
    kind: "error",
    error: {
      code: "host-calls",
      limit: 200,
      used: 201,
      rule: expect.stringMatching(/^default\.yaml:\d+: ceiling\.hostCalls\.total$/u),
    },
  });
});
