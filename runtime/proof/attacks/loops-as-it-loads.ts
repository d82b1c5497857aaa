import type { Attack } from "../attack.ts";

export const loopsAsItLoads: Attack = {
  name: "loops-as-it-loads",
  group: "cpu",
  about: "Loops while its module is evaluated",
  skill: { source: "for (;;); export const run = () => 1;", limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
