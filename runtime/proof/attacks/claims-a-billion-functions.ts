import type { Attack } from "../attack.ts";
import { HEADER } from "../encode-module.ts";

// A section's content is nothing but the number of its items.
const claim = (id: number) => [id, 5, 0x80, 0x94, 0xeb, 0xdc, 0x03];

export const claimsABillionFunctions: Attack = {
  name: "claims-a-billion-functions",
  group: "admission",
  about: "Claims a billion functions, imports and types in a few bytes",
  skill: { wasm: Uint8Array.from([...HEADER, ...claim(1), ...claim(2), ...claim(3)]) },
  expect: ["failed", "denied"],
};
