import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

export const readsTheClockOfTheRealm: Attack = {
  name: "reads-the-clock-of-the-realm",
  group: "escape",
  about: "Reads the ungranted clock through Date",
  skill: { body: "return [Date.now(), new Date().getTime(), Date()];", capabilities: {} },
  expect: ["denied"],
  verify: failsWith({ rule: "manifest: capabilities.clock" }),
};
