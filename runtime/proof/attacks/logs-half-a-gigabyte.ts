import type { Attack } from "../attack.ts";

export const logsHalfAGigabyte: Attack = {
  name: "logs-half-a-gigabyte",
  group: "output",
  about: "Logs a string of 500 MB",
  skill: { body: 'host.log("x".repeat(500_000_000));' },
  expect: ["log-size", "memory"],
};
