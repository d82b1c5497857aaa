import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const bomb = encodeModule({
  tables: Array.from({ length: 20 }, () => 10_000_000),
  functions: { try_it: wasm.i32(0) },
});

export const dropsAWasmTableBomb: Attack = {
  name: "drops-a-wasm-table-bomb",
  group: "memory",
  about: "Declares twenty tables of ten million entries in 131 bytes, which abort a whole process",
  skill: { wasm: bomb },
  expect: ["memory"],
};
