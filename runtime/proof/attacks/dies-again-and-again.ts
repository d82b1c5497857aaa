import type { Attack } from "../attack.ts";

export const diesAgainAndAgain: Attack = {
  name: "dies-again-and-again",
  group: "neighbours",
  about: "Has its process killed ten times in a row",
  skill: { body: "for (;;);", limits: { wallMs: 100 } },
  calls: Array.from({ length: 10 }, () => ({})),
  expect: ["wall-time", "quarantined"],
};
