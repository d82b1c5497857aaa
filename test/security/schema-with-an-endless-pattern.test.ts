import { attackTest } from "../support/attack-test.ts";

attackTest("a pattern in the skill's own schema meets the deadline", async ({ attack, expect }) => {
  const result = await attack(
    {
      body: "return 1;",
      inputSchema: { type: "object", properties: { text: { pattern: "^(a+)+$" } } },
      limits: { wallMs: 300 },
    },
    { text: `${"a".repeat(40)}!` },
  );
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
  });
});
