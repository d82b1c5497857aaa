import type { Attack } from "../attack.ts";
import { encodeModule, I64, wasm } from "../encode-module.ts";

const greedy = encodeModule({
  functions: { try_it: { locals: [[1_000_000_000, I64]], code: wasm.i32(0) } },
});

export const declaresABillionLocals: Attack = {
  name: "declares-a-billion-locals",
  group: "admission",
  about: "Declares a billion local variables in eight bytes",
  skill: { wasm: greedy },
  expect: ["failed", "denied"],
};
