import type { Attack } from "../attack.ts";

export const spreadsAString: Attack = {
  name: "spreads-a-string",
  group: "memory",
  about: "Spreads a string of 500 million characters into an array",
  skill: { body: 'return [..."x".repeat(500_000_000)].length;' },
  expect: ["memory", "failed"],
};
