import { attackTest } from "../support/attack-test.ts";

attackTest(
  "promises that call each other for ever are killed at the deadline",
  async ({ attack, expect }) => {
    const result = await attack({
      body: "const again = () => Promise.resolve().then(again); await again();",
      limits: { wallMs: 300 },
    });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
    });
  },
);
