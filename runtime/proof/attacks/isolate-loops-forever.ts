import type { Attack } from "../attack.ts";

export const isolateLoopsForever: Attack = {
  name: "isolate-loops-forever",
  group: "cpu",
  about: "Loops in an isolate past its deadline",
  skill: { body: "for (;;);", limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
