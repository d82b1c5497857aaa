import type { Attack } from "../attack.ts";
import { gives } from "../verify.ts";

export const asksForWhatNoHostHas: Attack = {
  name: "asks-for-what-no-host-has",
  group: "escape",
  about: "Asks for a capability that no policy grants",
  skill: {
    body: "return typeof host.schedule === 'function' ? host.schedule({}) : 1;",
    capabilities: { schedule: { reason: "to test it" } },
  },
  expect: ["denied", "failed", "ok"],
  verify: gives(1),
};
