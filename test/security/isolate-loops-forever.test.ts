import { attackTest } from "../support/attack-test.ts";

attackTest(
  "an isolate that loops forever is killed at its deadline",
  async ({ attack, expect }) => {
    const result = await attack({ body: "for (;;);", limits: { wallMs: 300 } });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
    });
  },
);
