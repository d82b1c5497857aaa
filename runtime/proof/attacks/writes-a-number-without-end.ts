import type { Attack } from "../attack.ts";
import { HEADER } from "../encode-module.ts";

const ENDLESS = Array.from({ length: 1_000 }, () => 0xff);

export const writesANumberWithoutEnd: Attack = {
  name: "writes-a-number-without-end",
  group: "admission",
  about: "Writes a section's length as a number that never ends",
  skill: { wasm: Uint8Array.from([...HEADER, 1, ...ENDLESS]) },
  expect: ["failed", "denied"],
};
