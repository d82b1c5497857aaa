import type { Attack } from "../attack.ts";
import { HEADER, I32, section } from "../encode-module.ts";

const COUNT = 500_000;
const types = section(1, [[0x60, 0, 1, I32]]);
const bodies = Array.from({ length: COUNT }, () => [4, 0, 0x41, 0, 0x0b]);
const functions = section(
  3,
  bodies.map(() => [0]),
);
const exported = section(7, [[6, ...Buffer.from("try_it"), 0, 0]]);
const crowded = [HEADER, types, functions, exported, section(10, bodies)].flat();

export const hasHalfAMillionFunctions: Attack = {
  name: "has-half-a-million-functions",
  group: "admission",
  about: "Has half a million functions",
  skill: { wasm: Uint8Array.from(crowded), limits: { wallMs: 2_000 } },
  expect: ["failed", "denied"],
};
