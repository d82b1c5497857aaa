import { test } from "vitest";
import { deniedCall, deniedHostCall, noticeEvent } from "#infrastructure/skills/audit-events.ts";
import { callRecord, hostCallRecord } from "../../../support/call-records.ts";

test("a call that was denied is its user's, with the policy and the line that decided", ({
  expect,
}) => {
  const rule = "default.yaml:3: deny";
  expect(deniedCall(callRecord({ outcome: "denied", rule }))).toMatchObject({
    actor: "ada",
    action: "skill-call.denied",
    subject: "skill:notes",
    decision: "denied",
    policyHash: "p1",
    detail: { tool: "add", version: "1.0.0", rule },
  });
});

test("a host call that was denied is the skill's", ({ expect }) => {
  expect(deniedHostCall("notes", hostCallRecord({ decision: "denied" }))).toMatchObject({
    actor: "system",
    action: "host-call.denied",
    subject: "skill:notes",
    detail: { name: "clock" },
  });
});

test("changes of policies and quarantines are told, deaths of processes are not", ({ expect }) => {
  const loaded = noticeEvent({ kind: "policies-loaded", policies: ["default"] });
  expect(loaded).toMatchObject({ action: "policies.loaded", decision: "allowed" });
  const rejected = noticeEvent({ kind: "policies-rejected", message: "line 3" });
  expect(rejected).toMatchObject({ action: "policies.loaded", decision: "denied" });
  const skill = { skill: "notes", skillDigest: "d", kills: 5, untilMs: 9 };
  const quarantined = noticeEvent({ kind: "skill-quarantined", ...skill });
  expect(quarantined).toMatchObject({ subject: "skill:notes", detail: { kills: 5 } });
  expect(noticeEvent({ kind: "process-not-started", message: "no" })).toBeUndefined();
});
