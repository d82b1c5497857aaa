import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const importing = encodeModule({
  imports: [{ kind: "function", module: "extism:host/user", name: "now" }],
  functions: { try_it: wasm.i32(0) },
});

export const importsAnUngrantedFunction: Attack = {
  name: "imports-an-ungranted-function",
  group: "admission",
  about: "Imports the host's clock without asking for it in its manifest",
  skill: { wasm: importing, capabilities: {} },
  expect: ["denied"],
  verify: ({ result }) =>
    result.kind === "error" && !/"now".*clock/u.test(result.error.message)
      ? "the denial does not name import and grant"
      : undefined,
};
