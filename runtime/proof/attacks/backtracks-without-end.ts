import type { Attack } from "../attack.ts";

export const backtracksWithoutEnd: Attack = {
  name: "backtracks-without-end",
  group: "cpu",
  about: "Backtracks in a regular expression for years",
  skill: { body: 'return /^(a+)+$/.test("a".repeat(40) + "!");', limits: { wallMs: 300 } },
  expect: ["wall-time"],
};
