import { attackTest } from "../support/attack-test.ts";

attackTest("an output that contains itself is refused", async ({ attack, expect }) => {
  const result = await attack({ body: "const self = {}; self.self = self; return self;" });
  expect(result).toMatchObject({ kind: "error", error: { code: "invalid-output" } });
});
