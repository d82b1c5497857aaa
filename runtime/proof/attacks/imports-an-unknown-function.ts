import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

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
  verify: ({ result }) =>
    result.kind === "error" && !result.error.message.includes("env.system")
      ? "the denial does not name the import"
      : undefined,
};
