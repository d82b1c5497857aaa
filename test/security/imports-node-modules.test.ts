import { attackTest } from "../support/attack-test.ts";

attackTest("a module that imports node:fs does not load", async ({ attack, expect }) => {
  const result = await attack({
    source: 'import fs from "node:fs"; export const run = () => fs.readdirSync("/");',
  });
  expect(result).toMatchObject({
    kind: "error",
    error: { code: "denied", message: 'The skill imports "node:fs": a skill is one module' },
  });
});
