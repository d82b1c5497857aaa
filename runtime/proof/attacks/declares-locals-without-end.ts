import type { Attack } from "../attack.ts";
import { encodeSections } from "../encode-module.ts";
import { mentions } from "../verify.ts";

const TYPE = [0x60, 0, 0];
const FOUR_BILLION_LOCALS = [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f];
const body = [...FOUR_BILLION_LOCALS, 0x0b];
const declaring = encodeSections([
  [1, [TYPE]],
  [3, [[0]]],
  [7, [[6, ...Buffer.from("try_it"), 0, 0]]],
  [10, [[body.length, ...body]]],
]);

export const declaresLocalsWithoutEnd: Attack = {
  name: "declares-locals-without-end",
  group: "admission",
  about: "Declares four billion local variables in eight bytes",
  skill: { wasm: declaring },
  expect: ["failed"],
  verify: mentions("4294967295 locals in a function"),
};
