import { attackTest } from "../support/attack-test.ts";

attackTest(
  "an error with looping getters thrown by the module itself is killed at the deadline",
  async ({ attack, expect }) => {
    const result = await attack({
      source:
        "const error = new Error(); Object.defineProperty(error, 'stack', { get() { for (;;); } }); Object.defineProperty(error, 'message', { get() { for (;;); } }); throw error;",
      limits: { wallMs: 300 },
    });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
    });
  },
);
