import type { Attack } from "../attack.ts";
import { encodeModule, wasm } from "../encode-module.ts";

const many = encodeModule({
  tables: Array.from({ length: 1_000 }, () => 1),
  functions: { try_it: wasm.i32(0) },
});

export const declaresAThousandTables: Attack = {
  name: "declares-a-thousand-tables",
  group: "admission",
  about: "Declares a thousand tables",
  skill: { wasm: many },
  expect: ["memory", "denied", "failed"],
};
