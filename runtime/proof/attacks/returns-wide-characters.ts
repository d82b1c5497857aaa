import type { Attack } from "../attack.ts";

export const returnsWideCharacters: Attack = {
  name: "returns-wide-characters",
  group: "output",
  about: "Gives back characters that take three bytes each, so that few of them pass the limit",
  skill: { body: 'return "\u20ac".repeat(200_000);' },
  expect: ["output-size"],
};
