import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const importing = encodeModule({
  imports: [{ kind: "table", module: "env", name: "table" }],
  functions: { try_it: wasm.i32(0) },
});

export const importsATable: Attack = {
  name: "imports-a-table",
  group: "admission",
  about: "Imports its table",
  skill: { wasm: importing },
  expect: ["denied"],
};
