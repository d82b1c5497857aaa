import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

export const readsAnUngrantedClock: Attack = {
  name: "reads-an-ungranted-clock",
  group: "escape",
  about: "Asks the host for the time without asking for the clock in its manifest",
  skill: { body: "return host.now();", capabilities: {} },
  expect: ["denied"],
  verify: failsWith({ rule: "manifest: capabilities.clock" }),
};
