import type { Attack } from "../attack.ts";

export const logsWideCharacters: Attack = {
  name: "logs-wide-characters",
  group: "output",
  about: "Logs characters that take three bytes each, so that few of them pass the limit",
  skill: { body: 'for (let i = 0; i < 30; i++) host.log("\u20ac".repeat(1_000));' },
  expect: ["log-size"],
};
