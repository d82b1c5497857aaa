import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

export const logsTooMuchAtOnce: Attack = {
  name: "logs-too-much-at-once",
  group: "output",
  about: "Logs a megabyte in one line",
  skill: { body: 'host.log("x".repeat(1_000_000));' },
  expect: ["log-size"],
  verify: failsWith({ used: 977 }),
};
