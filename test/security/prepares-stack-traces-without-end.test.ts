import { attackTest } from "../support/attack-test.ts";

attackTest("a looping prepareStackTrace is killed at the deadline", async ({ attack, expect }) => {
  const result = await attack({
    body: 'Error.prepareStackTrace = () => { for (;;); }; new Error("boo").stack;',
    limits: { wallMs: 300 },
  });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
  });
});
