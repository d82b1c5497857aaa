import type { Attack } from "../attack.ts";

export const returnsHalfAGigabyteInsideAnObject: Attack = {
  name: "returns-half-a-gigabyte-inside-an-object",
  group: "output",
  about: "Gives back 500 MB inside an object",
  skill: { body: 'return { text: "x".repeat(500_000_000) };' },
  expect: ["memory"],
};
