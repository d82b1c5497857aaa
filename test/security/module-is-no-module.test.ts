import { attackTest } from "../support/attack-test.ts";

attackTest("bytes that are no module fail", async ({ attack, expect }) => {
  const result = await attack({ wasm: Buffer.from("no module at all") });
  expect(result).toMatchObject({ kind: "error", error: { code: "failed" } });
});
