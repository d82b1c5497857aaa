import { attackTest } from "../support/attack-test.ts";

attackTest(
  "an isolate that burns processor time is stopped before its deadline",
  async ({ attack, expect }) => {
    const result = await attack({ body: "for (;;);", limits: { cpuMs: 150 } });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "cpu-time", limit: 150, rule: "manifest: limits.cpuMs" },
    });
  },
);
