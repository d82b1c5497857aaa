import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { mentions } from "../verify.ts";

const importing = encodeModule({
  imports: [{ kind: "function", module: "env", name: "system" }],
  functions: { try_it: wasm.i32(0) },
});

export const importsAnUnknownFunction: Attack = {
  name: "imports-an-unknown-function",
  group: "admission",
  about: "Imports a function that no host has",
  skill: { wasm: importing },
  expect: ["denied"],
  verify: mentions('"env.system", which no host has'),
};
