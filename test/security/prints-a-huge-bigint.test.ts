import { attackTest } from "../support/attack-test.ts";

attackTest(
  "a number that takes for ever to print is killed at the deadline",
  async ({ attack, expect }) => {
    const result = await attack({
      body: "return String(2n ** (2n ** 29n));",
      limits: { wallMs: 300 },
    });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
    });
  },
);
