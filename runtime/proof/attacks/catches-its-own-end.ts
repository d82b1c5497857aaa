import type { Attack } from "../attack.ts";

const CATCH = `
  const spin = function* () { for (;;) try { for (;;) yield; } finally { for (;;); } };
  for (;;) try { for (const _ of spin()); } catch {} finally { for (;;) try { for (;;); } catch {} }`;

export const catchesItsOwnEnd: Attack = {
  name: "catches-its-own-end",
  group: "cpu",
  about: "Catches everything and loops again in finally and in generators",
  skill: { body: CATCH, limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
