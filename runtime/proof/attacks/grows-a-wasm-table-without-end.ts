import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";
import { failsWith } from "../verify.ts";

const GROW = [0xd0, 0x70, ...wasm.i32(10_000), 0xfc, 0x0f, 0];
const SIZE = [0xfc, 0x10, 0];
const growing = encodeModule({
  tables: [0],
  functions: {
    try_it: [
      ...wasm.block,
      ...wasm.loop,
      ...GROW,
      ...wasm.isNegative,
      0x0d,
      1,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.end,
      ...SIZE,
    ],
  },
});

export const growsAWasmTableWithoutEnd: Attack = {
  name: "grows-a-wasm-table-without-end",
  group: "memory",
  about: "Grows a table by 10,000 null references at a time until the engine says no",
  skill: { wasm: growing },
  expect: ["failed"],
  verify: failsWith({ message: "The tool returned 60000" }),
};
