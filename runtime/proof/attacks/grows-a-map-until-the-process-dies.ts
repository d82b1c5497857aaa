import type { Attack } from "../attack.ts";

export const growsAMapUntilTheProcessDies: Attack = {
  name: "grows-a-map-until-the-process-dies",
  group: "memory",
  about: "Grows a map until V8 aborts",
  source: "isolated-vm #527",
  skill: {
    body: "const all = new Map(); for (let i = 0; ; i++) all.set(i, i);",
    limits: { memoryMiB: 16 },
  },
  expect: ["memory"],
};
