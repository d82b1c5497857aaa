import type { Attack } from "../attack.ts";

export const fillsABillionSlots: Attack = {
  name: "fills-a-billion-slots",
  group: "memory",
  about: "Fills an array of a billion slots in one native call, which aborts V8",
  source: "isolated-vm #527",
  skill: { body: "return Array(1e9).fill(0).length;", limits: { memoryMiB: 16 } },
  // One native call, which on a busy machine takes longer than the deadline to use memory up.
  expect: ["memory", "wall-time", "cpu-time"],
};
