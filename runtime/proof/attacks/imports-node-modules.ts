import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

export const importsNodeModules: Attack = {
  name: "imports-node-modules",
  group: "escape",
  about: "Imports node:fs as a module",
  skill: { source: 'import fs from "node:fs"; export const run = () => fs.readdirSync("/");' },
  expect: ["denied"],
  verify: failsWith({ message: 'The skill imports "node:fs": a skill is one module' }),
};
