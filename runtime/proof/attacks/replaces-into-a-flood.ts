import type { Attack } from "../attack.ts";

export const replacesIntoAFlood: Attack = {
  name: "replaces-into-a-flood",
  group: "memory",
  about: "Replaces each character of a long string by a longer one",
  skill: { body: 'return "x".repeat(1e6).replaceAll("x", "y".repeat(1e4)).length;' },
  expect: ["memory", "failed"],
};
