import { attackTest } from "../support/attack-test.ts";

attackTest("an output with an own __proto__ key is refused", async ({ attack, expect }) => {
  const result = await attack({
    body: 'return JSON.parse(\'{"a":[{"__proto__":{"isAdmin":true}}]}\');',
  });
  expect(result).toMatchObject({ kind: "error", error: { code: "invalid-output" } });
});
