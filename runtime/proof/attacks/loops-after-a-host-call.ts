import type { Attack } from "../attack.ts";

export const loopsAfterAHostCall: Attack = {
  name: "loops-after-a-host-call",
  group: "cpu",
  about: "Loops after it awaited a host call, where V8's own timeout has ended",
  source: "isolated-vm #475",
  skill: {
    body: 'for (;;) { await host.log("x"); await null; for (;;); }',
    limits: { wallMs: 300 },
  },
  expect: ["wall-time"],
};
