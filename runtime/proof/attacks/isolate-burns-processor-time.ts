import type { Attack } from "../attack.ts";

export const isolateBurnsProcessorTime: Attack = {
  name: "isolate-burns-processor-time",
  group: "cpu",
  about: "Loops in an isolate with little processor time",
  skill: { body: "for (;;);", limits: { cpuMs: 150 } },
  expect: ["cpu-time"],
};
