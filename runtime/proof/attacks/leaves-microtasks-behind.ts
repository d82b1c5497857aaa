import type { Attack } from "../attack.ts";

export const leavesMicrotasksBehind: Attack = {
  name: "leaves-microtasks-behind",
  group: "neighbours",
  about: "Answers at once and leaves microtasks behind that never end",
  source: "isolated-vm #273",
  skill: {
    body: "const again = () => Promise.resolve().then(again); again(); return 1;",
    limits: { wallMs: 300 },
  },
  expect: ["wall-time"],
};
