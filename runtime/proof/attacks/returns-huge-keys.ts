import type { Attack } from "../attack.ts";

export const returnsHugeKeys: Attack = {
  name: "returns-huge-keys",
  group: "output",
  about: "Gives back an object whose keys are larger than the output may be",
  skill: { body: 'return { ["k".repeat(300_000)]: 1, ["m".repeat(300_000)]: 2 };' },
  expect: ["output-size"],
};
