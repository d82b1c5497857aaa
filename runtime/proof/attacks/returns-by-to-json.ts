import type { Attack } from "../attack.ts";

export const returnsByToJson: Attack = {
  name: "returns-by-to-json",
  group: "output",
  about: "Gives back a small object whose toJSON makes it large",
  skill: { body: 'return { toJSON: () => "x".repeat(1_000_000) };' },
  expect: ["output-size"],
};
