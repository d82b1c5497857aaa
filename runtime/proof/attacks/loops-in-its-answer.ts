import type { Attack } from "../attack.ts";

export const loopsInItsAnswer: Attack = {
  name: "loops-in-its-answer",
  group: "cpu",
  about: "Gives back an object whose toJSON loops",
  skill: { body: "return { toJSON() { for (;;); } };", limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
