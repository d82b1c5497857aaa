import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";
import { gives } from "../verify.ts";

const ENV = "extism:host/env";
// Gives whether the variable "" is there, as the tool's return code, and sets it.
const leaking = encodeModule({
  imports: [
    { kind: "function", module: ENV, name: "var_get", type: "I:I" },
    { kind: "function", module: ENV, name: "var_set", type: "II:" },
    { kind: "function", module: ENV, name: "alloc", type: "I:I" },
  ],
  functions: {
    try_it: {
      locals: [[2, I64]],
      code: [
        ...wasm.i64(8n),
        ...wasm.call(2),
        ...wasm.setLocal(0),
        ...wasm.getLocal(0),
        ...wasm.call(0),
        ...wasm.setLocal(1),
        ...wasm.getLocal(0),
        ...wasm.getLocal(0),
        ...wasm.call(1),
        // i64.ne with 0
        ...wasm.getLocal(1),
        ...wasm.i64(0n),
        0x52,
      ],
    },
  },
});

export const leavesVariablesForTheNextCall: Attack = {
  name: "leaves-variables-for-the-next-call",
  group: "state-leak",
  about: "Leaves an Extism variable and looks for it, ten times",
  source: "Extism: variables live as long as the plugin",
  skill: { wasm: leaking },
  calls: Array.from({ length: 10 }, () => ({})),
  expect: ["ok"],
  verify: gives(null),
};
