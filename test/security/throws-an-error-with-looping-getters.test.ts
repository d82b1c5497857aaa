import { attackTest } from "../support/attack-test.ts";

attackTest("an error whose getters loop is killed at the deadline", async ({ attack, expect }) => {
  const result = await attack({
    body: "throw { get message() { for (;;); }, get stack() { for (;;); } };",
    limits: { wallMs: 300 },
  });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "wall-time", limit: 300, rule: "manifest: limits.wallMs" },
  });
});
