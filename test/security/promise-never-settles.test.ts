import { attackTest } from "../support/attack-test.ts";

attackTest("a promise that never settles fails at once", async ({ attack, expect }) => {
  const result = await attack({ body: "await new Promise(() => {});" });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "failed", message: "The promise that run() gave never settles" },
  });
});
