import { attackTest } from "../support/attack-test.ts";

attackTest("a dynamic import is refused", async ({ attack, expect }) => {
  const result = await attack({ body: 'return Object.keys(await import("node:fs"));' });
  expect(result).toMatchObject({ kind: "error", error: { code: "failed" } });
});
