import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

// loop { if (table.grow(null, 10000) < 0) unreachable; continue }
const growing = encodeModule({
  tables: [1],
  functions: {
    try_it: [
      ...wasm.loop,
      ...wasm.refNull,
      ...wasm.i32(10_000),
      ...wasm.growTable,
      ...wasm.isNegative,
      ...wasm.ifThen,
      ...wasm.unreachable,
      ...wasm.end,
      ...wasm.branch(0),
      ...wasm.end,
      ...wasm.i32(0),
    ],
  },
});

export const growsATableWithoutEnd: Attack = {
  name: "grows-a-table-without-end",
  group: "memory",
  about: "Grows a table of references without end",
  skill: { wasm: growing },
  expect: ["failed", "memory"],
};
