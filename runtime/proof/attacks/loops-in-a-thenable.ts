import type { Attack } from "../attack.ts";

export const loopsInAThenable: Attack = {
  name: "loops-in-a-thenable",
  group: "cpu",
  about: "Gives back a thenable whose then loops",
  skill: { body: "return { then() { for (;;); } };", limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
