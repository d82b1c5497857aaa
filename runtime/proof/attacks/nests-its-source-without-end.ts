import type { Attack } from "../attack.ts";

const DEPTH = 100_000;

export const nestsItsSourceWithoutEnd: Attack = {
  name: "nests-its-source-without-end",
  group: "admission",
  about: "Brings a source with a hundred thousand open brackets",
  skill: { source: `export const run = () => ${"(".repeat(DEPTH)}1${")".repeat(DEPTH)};` },
  expect: ["failed", "memory", "crashed"],
};
