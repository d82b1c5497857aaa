import {
  parseCompactionId,
  parseCredentialId,
  parseInstanceId,
  parseMessageId,
  parseNoteId,
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
  type SessionId,
} from "#domain/shared/id.ts";
import type { InstalledSkill } from "#domain/skill/installed-skill.ts";
import { NO_USAGE, type Task } from "#domain/task/task.ts";
import type { TurnOwner } from "#domain/turn/turn-log.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { hostCallToArgs, skillCallToArgs } from "#infrastructure/store/call-rows.ts";
import type { WriteCaller } from "#infrastructure/store/repositories.ts";
import { modelCallOf } from "./agent-store.ts";
import { approvalOf } from "./approvals.ts";
import { callRecord, hostCallRecord } from "./call-records.ts";
import { scheduleOf } from "./schedules.ts";

const ALICE = parseUserId("alice");

export interface FilledStore {
  readonly owner: TurnOwner;
  /** A session with one answered message; its last event is number `headSeq`. */
  readonly sessionId: SessionId;
  readonly headSeq: number;
}

/** Puts something into every table that there are writes for. */
export async function fillStore(writer: WriteCaller): Promise<FilledStore> {
  const instanceId = parseInstanceId("here");
  const join = { instanceId, leaseMs: 60_000, isAlone: true };
  const owner = { instanceId, ...(await writer.call("joinInstance", join)) };
  await writer.call("addUser", {
    id: ALICE,
    name: "Älice \u{1f600}",
    role: "member",
    createdAtMs: 1,
  });
  await writer.call("addCredential", {
    id: parseCredentialId(newId()),
    scopes: "all",
    hash: "h",
    kind: "token",
    userId: ALICE,
    label: "laptop",
    createdAtMs: 1,
    expiresAtMs: undefined,
  });
  const space = { skill: "notes", userId: ALICE };
  for (const key of ["a", "ä", "B"]) {
    const entry = { key, value: new Uint8Array([0, 1, 254, 255]) };
    const quota = { maxBytes: 1_000, maxKeys: 10 };
    await writer.call("setSkillValue", { space, entry, quota });
  }
  const calls = Array.from({ length: 5 }, (_, at) =>
    skillCallToArgs(callRecord({ userId: ALICE }), at),
  );
  const hostCalls = [hostCallToArgs({ skill: "notes", record: hostCallRecord() }, 1)];
  await writer.call("recordCalls", { skillCalls: calls, hostCalls, maxRows: 100 });
  await writer.call("addInstalledSkill", SKILL);
  const scheduleId = parseScheduleId(newId());
  await writer.call("addSchedule", scheduleOf({ id: scheduleId, userId: ALICE }));
  await writer.call("fireNow", { scheduleId, dueAtMs: 60_000, nowMs: 60_001 });
  await writer.call("addApproval", approvalOf("a1"));
  await writer.call("addTask", {
    ...TASK,
    id: parseTaskId(newId()),
    origin: { kind: "schedule", scheduleId: parseScheduleId("daily") },
  });
  await writer.call("appendAudit", [
    {
      atMs: 1,
      actor: "alice",
      action: "token.created",
      subject: "user:alice",
      decision: "allowed",
      detail: { label: "laptop" },
    },
  ]);
  const { sessionId, turnId, messageId } = await answerMessage(writer, owner);
  await writer.call("engageBrake", { sinceMs: 1, by: ALICE, reason: "too much" });
  await writer.call("pinMessage", { sessionId, messageId, nowMs: 7 });
  const summary = { upToTurnId: turnId, summary: "Sums", model: "extract", messages: 2 };
  await writer.call("addCompaction", {
    id: parseCompactionId(newId()),
    sessionId,
    ...summary,
    tokensBefore: 20,
    tokensAfter: 3,
    createdAtMs: 7,
    undone: undefined,
  });
  await writer.call("addNote", {
    id: parseNoteId(newId()),
    userId: ALICE,
    text: "Likes sums",
    source: { kind: "agent", sessionId, turnId, untrusted: "tool web.fetch" },
    createdAtMs: 7,
  });
  return { owner, sessionId, headSeq: 2 };
}

/** One message of Alice's in a new session, with its answer, or still running without. */
export async function answerMessage(writer: WriteCaller, owner: TurnOwner, isEnded = true) {
  const turnId = parseTurnId(newId());
  const sessionId = parseSessionId(newId());
  const messageId = parseMessageId(newId());
  await writer.call("accept", {
    turnId,
    userId: ALICE,
    clientMessageId: newId(),
    messageId,
    text: "1 + 1?",
    session: { id: sessionId, isNew: true },
    owner,
    nowMs: 5,
  });
  const turn = { sessionId, turnId, toolCallId: parseToolCallId("c1") };
  const task: Task = { ...TASK, id: parseTaskId(newId()), origin: { kind: "turn", ...turn } };
  await writer.call("save", {
    turnId,
    sessionId,
    epoch: owner.epoch,
    messages: [],
    tasks: [task],
    modelCalls: [modelCallOf({ turnId, sessionId })],
    ranMs: 12,
    taint: { untrusted: "tool web.fetch" },
    events: [
      { seq: 1, event: { kind: "text-started", messageId } },
      { seq: 2, event: { kind: "turn-completed" } },
    ],
    ...(isEnded && { end: { kind: "completed", endedAtMs: 6 } }),
    nowMs: 6,
  });
  return { sessionId, turnId, messageId };
}

const TASK: Task = {
  id: parseTaskId("t0"),
  userId: ALICE,
  origin: { kind: "schedule", scheduleId: parseScheduleId("daily") },
  skill: "calculator",
  tool: "evaluate",
  skillDigest: "d",
  policyHash: "p",
  input: { expression: "1+1" },
  state: {
    kind: "completed",
    endedAtMs: 2,
    output: { n: 2 },
    usage: { ...NO_USAGE, wallMs: 0.1 },
  },
  createdAtMs: 1,
};

const SKILL: InstalledSkill = {
  name: "mail",
  version: "1.0.0",
  digest: "d",
  publisher: undefined,
  manifest: {},
  grants: {},
  state: { kind: "enabled", sinceMs: 1 },
  installedAtMs: 1,
  installedBy: ALICE,
  revision: 0,
};
