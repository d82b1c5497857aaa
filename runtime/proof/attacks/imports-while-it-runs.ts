import type { Attack } from "../attack.ts";

export const importsWhileItRuns: Attack = {
  name: "imports-while-it-runs",
  group: "escape",
  about: "Imports node:fs while it runs",
  skill: { body: 'return Object.keys(await import("node:fs"));' },
  expect: ["failed"],
};
