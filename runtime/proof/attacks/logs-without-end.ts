import type { Attack } from "../attack.ts";
import { failsWith } from "../verify.ts";

const LOGGING =
  'for (;;) { try { host.log("x"); } catch {} if (globalThis.count = (globalThis.count ?? 0) + 1, globalThis.count > 300) return "caught"; }';

export const logsWithoutEnd: Attack = {
  name: "logs-without-end",
  group: "output",
  about: "Logs without end and catches what stops it",
  skill: { body: LOGGING },
  expect: ["host-calls"],
  verify: failsWith({ used: 201 }),
};
