import type { Attack } from "../attack.ts";

export const growsAnObjectUntilTheProcessDies: Attack = {
  name: "grows-an-object-until-the-process-dies",
  group: "memory",
  about: "Grows one object's keys until V8 aborts",
  source: "isolated-vm #527",
  skill: {
    body: 'const long = "key".repeat(500); const all = {}; for (let i = 0; ; i++) all[long + i] = i;',
    limits: { memoryMiB: 16 },
  },
  expect: ["memory"],
};
