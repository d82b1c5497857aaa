import type { Attack } from "../attack.ts";

export const moduleIsNoModule: Attack = {
  name: "module-is-no-module",
  group: "admission",
  about: "Brings bytes that are no module",
  skill: { wasm: Buffer.from("no module at all") },
  expect: ["failed"],
};
