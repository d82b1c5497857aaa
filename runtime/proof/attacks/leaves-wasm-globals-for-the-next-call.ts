import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { gives } from "../verify.ts";

// Gives what the global holds, as the tool's return code, and leaves 7 there.
const leaking = encodeModule({
  globals: [0],
  functions: { try_it: [...wasm.getGlobal(0), ...wasm.i32(7), ...wasm.setGlobal(0)] },
});

export const leavesWasmGlobalsForTheNextCall: Attack = {
  name: "leaves-wasm-globals-for-the-next-call",
  group: "state-leak",
  about: "Leaves a value in a plugin's global and looks for it, ten times",
  skill: { wasm: leaking },
  calls: Array.from({ length: 10 }, () => ({})),
  expect: ["ok"],
  verify: gives(null),
};
