import type { Attack } from "../attack.ts";

export const stormsTheMemory: Attack = {
  name: "storms-the-memory",
  group: "neighbours",
  about: "Takes all the memory it gets in eight calls at once",
  skill: { body: "const all = []; for (;;) all.push(new Array(10_000).fill(1.5));" },
  calls: Array.from({ length: 8 }, () => ({})),
  isStorm: true,
  expect: [
    "memory",
    "cpu-time",
    "wall-time",
    "concurrency",
    "queue-time",
    "quarantined",
    "overloaded",
  ],
};
