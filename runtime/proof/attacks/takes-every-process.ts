import type { Attack } from "../attack.ts";

export const takesEveryProcess: Attack = {
  name: "takes-every-process",
  group: "neighbours",
  about: "Loops in eight calls at once, more than there are processes",
  skill: { body: "for (;;);", limits: { wallMs: 200 } },
  calls: Array.from({ length: 8 }, () => ({})),
  isStorm: true,
  expect: ["wall-time", "concurrency", "queue-time", "quarantined", "overloaded"],
};
