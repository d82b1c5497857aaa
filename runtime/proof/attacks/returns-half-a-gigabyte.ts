import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

export const returnsHalfAGigabyte: Attack = {
  name: "returns-half-a-gigabyte",
  group: "output",
  about: "Gives back a string of 500 MB, more than its isolate may hold",
  skill: { body: 'return "x".repeat(500_000_000);' },
  expect: ["output-size"],
  verify: failsWith({ used: 488_282 }),
};
