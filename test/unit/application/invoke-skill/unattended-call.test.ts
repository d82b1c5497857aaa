import { test } from "vitest";
import { createUnattendedCall } from "#application/invoke-skill/unattended-call.ts";
import type { CallFacts, ToolDecision } from "#application/ports/tool-source.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { Brake } from "#domain/brake/brake.ts";
import { parseScheduleId, parseTaskId, parseUserId } from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { endTask, NO_USAGE, type Task } from "#domain/task/task.ts";

const facts: CallFacts = {
  rule: "p.yaml:9: approvals.external",
  policyHash: "h",
  reaches: [],
  actsOutside: true,
  bringsUntrusted: true,
  holdsPrivate: false,
};
const signal = AbortSignal.timeout(5_000);
/** What the audit log has of a call that was not made. */
const DENIED = {
  atMs: 2,
  actor: "u",
  action: "skill-call.denied",
  subject: "tool:mail.send",
  decision: "denied",
  policyHash: "h",
};

test("callUnattended() makes a call that the policy allows", async ({ expect }) => {
  const { call, made, audited } = open({ kind: "allow", facts });
  expect((await call(task, signal)).state.kind).toBe("completed");
  expect(made).toEqual([task.id]);
  expect(audited).toEqual([]);
});

test("callUnattended() fails a call that needs somebody's word, without making it", async ({
  expect,
}) => {
  const reason = "The policy asks before calls that reach outside";
  const { call, made, audited } = open({ kind: "ask", facts, expiresInMs: 1, reason });
  expect((await call(task, signal)).state).toMatchObject({
    kind: "failed",
    failure: {
      code: "approval-needed",
      message:
        '"mail.send" needs a person\'s approval (p.yaml:9: approvals.external) and there is ' +
        "nobody to ask: expected a policy that allows it",
    },
  });
  expect(made).toEqual([]);
  expect(audited).toEqual([
    {
      ...DENIED,
      detail: {
        rule: facts.rule,
        reason: `${reason}, and there is nobody to ask`,
        callId: task.id,
      },
    },
  ]);
});

test("callUnattended() fails a call that the policy denies, without making it", async ({
  expect,
}) => {
  const denied = { rule: "p.yaml:9", policyHash: "h", message: "The policy denies it" };
  const { call, made, audited } = open({ kind: "deny", ...denied });
  expect((await call(task, signal)).state).toMatchObject({
    failure: { code: "denied", message: "The policy denies it (p.yaml:9)" },
  });
  expect(made).toEqual([]);
  expect(audited).toEqual([
    {
      ...DENIED,
      detail: { rule: "p.yaml:9", reason: "The policy denies it", callId: task.id },
    },
  ]);
});

test("callUnattended() makes no call while the brake is on, and says why", async ({ expect }) => {
  const brake = { sinceMs: 1, by: parseUserId("u"), reason: "a drill" };
  const { call, made } = open({ kind: "allow", facts }, brake);
  expect(await call(task, AbortSignal.timeout(1_000))).toMatchObject({
    state: { failure: { code: "STOPPED", message: "An operator has stopped all agents: a drill" } },
  });
  expect(made).toEqual([]);
});

test("callUnattended() makes no call whose input does not fit", async ({ expect }) => {
  const { call, made } = open({ kind: "allow", facts });
  const input = { to: 7 };
  expect((await call({ ...task, input }, signal)).state).toMatchObject({
    failure: {
      code: "invalid-input",
      message: expect.stringContaining('at "/to" expected string, got 7'),
    },
  });
  expect(made).toEqual([]);
});

test("callUnattended() fails a call of a tool that is not there", async ({ expect }) => {
  const { call, made } = open({ kind: "allow", facts });
  expect((await call({ ...task, tool: "burn" }, signal)).state).toMatchObject({
    failure: { code: "unknown-tool", message: 'There is no tool "mail.burn" at the moment' },
  });
  expect(made).toEqual([]);
});

const mail: Skill = {
  name: "mail",
  version: "1.0.0",
  description: "Sends mail",
  digest: "d",
  tools: [
    {
      name: "send",
      description: "Sends",
      inputSchema: { type: "object", properties: { to: { type: "string" } } },
      effects: ["external"],
      examples: [],
    },
  ],
};
const task: Task = {
  id: parseTaskId("t"),
  userId: parseUserId("u"),
  origin: { kind: "schedule", scheduleId: parseScheduleId("s") },
  skill: "mail",
  tool: "send",
  skillDigest: "d",
  policyHash: "",
  input: {},
  state: { kind: "running", startedAtMs: 1 },
  createdAtMs: 1,
};

function open(decision: ToolDecision, brake?: Brake) {
  const made: string[] = [];
  const audited: AuditEvent[] = [];
  const call = createUnattendedCall({
    listSkills: () => [mail],
    decide: () => decision,
    invoke: async (asked) => {
      made.push(asked.id);
      const end = { kind: "completed", endedAtMs: 2, output: 1, usage: NO_USAGE } as const;
      return { outcome: { kind: "ok", output: 1 }, task: endTask(asked, end) };
    },
    findBrake: async () => brake,
    audit: (event) => audited.push(event),
    nowMs: () => 2,
  });
  return { call, made, audited };
}
