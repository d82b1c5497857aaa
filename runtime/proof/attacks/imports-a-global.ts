import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const importing = encodeModule({
  imports: [{ kind: "global", module: "env", name: "global" }],
  functions: { try_it: wasm.i32(0) },
});

export const importsAGlobal: Attack = {
  name: "imports-a-global",
  group: "admission",
  about: "Imports a global",
  skill: { wasm: importing },
  expect: ["denied"],
};
