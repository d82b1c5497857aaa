import { test } from "vitest";
import { logNotice } from "#infrastructure/skills/log-notice.ts";
import type { RuntimeNotice } from "../../../../runtime/index.ts";

const about = { pid: 7, callId: "call-1", skillDigest: "d1" };

test.for<[RuntimeNotice, string]>([
  [{ kind: "process-killed", reason: "memory", ...about }, "warn"],
  [{ kind: "process-killed", reason: "cancelled", ...about }, "debug"],
  [{ kind: "process-died", signal: "SIGSEGV", exitCode: null, stderr: "", ...about }, "warn"],
  [{ kind: "process-not-started", message: "no such file" }, "error"],
  [{ kind: "skill-quarantined", skill: "loops", skillDigest: "d1", kills: 5, untilMs: 1 }, "error"],
  [{ kind: "policies-loaded", policies: ["default"] }, "info"],
  [{ kind: "policies-rejected", message: "default.yaml:3: mode" }, "error"],
])("logNotice() logs %j as %s", ([notice, level], { expect }) => {
  const lines: unknown[] = [];
  const at = (name: string) => (fields: unknown) => void lines.push([name, fields]);
  const log = { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
  logNotice(log, notice);
  expect(lines).toEqual([[level, { notice }]]);
});
