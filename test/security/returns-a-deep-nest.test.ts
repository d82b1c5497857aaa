import { attackTest } from "../support/attack-test.ts";

attackTest("an output nested without end is refused", async ({ attack, expect }) => {
  const result = await attack({
    body: "let nest = []; for (let i = 0; i < 5000; i++) nest = [nest]; return nest;",
  });
  expect(result).toMatchObject({ kind: "error", error: { code: "invalid-output" } });
});
