import type { Attack } from "../attack.ts";
import { encodeSections } from "../encode-module.ts";
import { mentions } from "../verify.ts";

/** An array type of the garbage-collected kind. */
const ARRAY_OF_I64 = [0x5e, 0x7e, 1];
const body = [0, 0x41, 0xff, 0xff, 0xff, 0x3f, 0xfb, 0x07, 0, 0x1a, 0x41, 0, 0x0b];
const allocating = encodeSections([
  [1, [ARRAY_OF_I64, [0x60, 0, 1, 0x7f]]],
  [3, [[1]]],
  [7, [[6, ...Buffer.from("try_it"), 0, 0]]],
  [10, [[body.length, ...body]]],
]);

export const allocatesWasmArraysInTheHost: Attack = {
  name: "allocates-wasm-arrays-in-the-host",
  group: "admission",
  about: "Makes arrays of the garbage-collected kind, whose values would live in the host's heap",
  skill: { wasm: allocating },
  expect: ["failed"],
  verify: mentions("expected the type of a function"),
};
