import type { Attack } from "../attack.ts";

export const microtasksNeverEnd: Attack = {
  name: "microtasks-never-end",
  group: "cpu",
  about: "Queues one microtask after the other for ever",
  source: "isolated-vm tests/microtask-timeout.js",
  skill: {
    body: "const again = () => Promise.resolve().then(again); await again();",
    limits: { wallMs: 300 },
  },
  expect: ["wall-time"],
};
