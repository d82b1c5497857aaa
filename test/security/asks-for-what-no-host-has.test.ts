import { attackTest } from "../support/attack-test.ts";

attackTest(
  "a skill that asks for what this version cannot grant is denied",
  async ({ attack, expect }) => {
    const result = await attack({
      body: "return 1;",
      capabilities: { kv: { reason: "to keep things" } },
    });
    expect(result).toMatchObject({
      kind: "error",
      error: { code: "denied", rule: "platform: kv" },
    });
  },
);
