import { describe, test } from "vitest";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { Message } from "#domain/message/message.ts";
import {
  type MessageId,
  parseCompactionId,
  parseCredentialId,
  parseInstanceId,
  parseMessageId,
  parseNoteId,
  parseScheduleId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
  type TurnId,
  type UserId,
} from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { hostCallToArgs, skillCallToArgs } from "#infrastructure/store/call-rows.ts";
import {
  createAuditLog,
  createIdempotencyKeys,
  type WriteCaller,
} from "#infrastructure/store/repositories.ts";
import { createSkillKv } from "#infrastructure/store/skill-kv.ts";
import { describeIdempotencyKeys } from "../../contract/idempotency-keys.ts";
import { describeUsers } from "../../contract/users.ts";
import { type AcceptedTurn, modelCallOf } from "../../support/agent-store.ts";
import { approvalOf } from "../../support/approvals.ts";
import { callRecord, hostCallRecord } from "../../support/call-records.ts";
import { countRows } from "../../support/count-rows.ts";
import { repositoriesOf, STORES } from "../../support/open-test-store.ts";

for (const [name, open] of STORES) {
  describeUsers(name, async () => {
    const opened = await open();
    const { users, credentials } = repositoriesOf(opened);
    return { users, credentials, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  });

  describeIdempotencyKeys(name, async () => {
    const opened = await open();
    let nowMs = 1_000;
    const keys = createIdempotencyKeys(opened.store.writer, { newId, nowMs: () => nowMs });
    const dispose = () => opened[Symbol.asyncDispose]();
    return { keys, pass: (ms) => void (nowMs += ms), [Symbol.asyncDispose]: dispose };
  });
}

describe.each(STORES)("the audit log %s", (_name, open) => {
  test("tells of a change or removal what came of it", async ({ expect }) => {
    await using opened = await open();
    const { users } = repositoriesOf(opened);
    const [ada, bob] = [parseUserId("ada"), parseUserId("bob")];
    await users.add({ id: ada, name: "Ada", role: "admin", createdAtMs: 1 });
    await users.add({ id: bob, name: "Bob", role: "member", createdAtMs: 1 });
    const about = (action: string, userId: UserId): AuditEvent => {
      const facts = { actor: ada, action, subject: `user:${userId}`, detail: {} };
      return { ...facts, atMs: 5, decision: "allowed" };
    };
    const nobody = parseUserId("nobody");
    await users.change({ userId: nobody, name: "x" }, about("user.changed", nobody));
    await users.change({ userId: ada, role: "member" }, about("user.changed", ada));
    await users.remove(ada, about("user.removed", ada));
    await users.change({ userId: bob, name: "Robert" }, about("user.changed", bob));
    await users.remove(bob, about("user.removed", bob));
    const log = createAuditLog(opened.store.reader, opened.store.writer);
    const entries = await log.read(0, 9);
    expect(
      entries.map(({ action, decision, subject }) => [action, decision, subject.kind]),
    ).toEqual([
      ["user.changed", "denied", "kept"],
      ["user.removed", "denied", "kept"],
      ["user.changed", "allowed", "erased"],
      ["user.removed", "allowed", "erased"],
    ]);
  });
});

describe.each(STORES)("removal of a user %s", (_name, open) => {
  test("leaves no row that names them, whatever they were doing", async ({ expect }) => {
    await using opened = await open();
    const { users, credentials, turns, instances, schedules } = repositoriesOf(opened);
    const { store } = opened;
    const [ada, gone] = [parseUserId("ada"), parseUserId("the-one-who-goes")];
    const instanceId = parseInstanceId("here");
    const { epoch } = await instances.join({ instanceId, leaseMs: 60_000, isAlone: false });
    await users.add({ id: ada, name: "Ada", role: "admin", createdAtMs: 1 });
    const keys = createIdempotencyKeys(store.writer, { newId, nowMs: () => 1 });
    const kv = createSkillKv(store);
    const leave = async (id: UserId) => {
      await users.add({ id, name: id, role: "member", createdAtMs: 1 });
      const token = { hash: `hash ${id}`, kind: "token", userId: id, label: "x" } as const;
      const credentialId = parseCredentialId(newId());
      await credentials.add({ ...token, id: credentialId, scopes: "all", createdAtMs: 1 });
      await keys.begin({ userId: id, keyHash: "k", fingerprint: "f" });
      await store.writer.call("recordCalls", {
        skillCalls: [skillCallToArgs(callRecord({ userId: id, callId: `call of ${id}` }), 1)],
        hostCalls: [
          hostCallToArgs({ skill: "s", record: hostCallRecord({ callId: `call of ${id}` }) }, 1),
        ],
        maxRows: 99,
      });
      const space = { skill: "notes", userId: id };
      await kv.set(space, { key: "k", value: Buffer.from("v") }, { maxBytes: 999, maxKeys: 9 });
      await schedules.add({
        id: parseScheduleId(newId()),
        userId: id,
        name: "tick",
        when: { kind: "at", atMs: 9 },
        missed: "once",
        action: { kind: "message", text: "tick" },
        state: { kind: "active", nextAtMs: 9 },
        lastFiredAtMs: undefined,
        createdAtMs: 1,
      });
      const accepted = await turns.accept({
        turnId: parseTurnId(newId()),
        userId: id,
        clientMessageId: "c1",
        messageId: parseMessageId(newId()),
        text: "hi",
        session: { id: parseSessionId(newId()), isNew: true },
        owner: { instanceId, epoch },
        nowMs: 1,
      });
      if (accepted.kind !== "accepted") throw new Error(accepted.kind);
      await leaveMore(store.writer, id, accepted);
      return accepted;
    };
    const kept = await leave(ada);
    const before = await countRows(store, gone);
    expect(before).toEqual({});
    const { turnId, sessionId, messageId } = await leave(gone);
    const messages = [{ position: 1, message: answerOf(turnId, sessionId) }];
    const events = [{ seq: 1, event: startOf(messageId) }] as const;
    const modelCalls = [modelCallOf({ turnId, sessionId }, { userId: gone })];
    const more = { modelCalls, ranMs: 5 };
    const save = { turnId, sessionId, epoch, messages, tasks: [], events, nowMs: 2 };
    await turns.save({ ...save, ...more });
    expect(Object.keys(await countRows(store, gone)).length).toBeGreaterThan(8);

    expect(await users.remove(gone)).toMatchObject({ kind: "removed" });
    for (const trace of [gone, turnId, sessionId]) {
      expect(await countRows(store, trace), trace).toEqual({});
    }
    // A call that went on for a while ends now.
    await store.writer.call("recordCalls", {
      skillCalls: [skillCallToArgs(callRecord({ userId: gone, callId: "late" }), 1)],
      hostCalls: [
        { ...hostCallToArgs({ skill: "s", record: hostCallRecord({ callId: "late" }) }, 1) },
      ],
      maxRows: 9,
    });
    for (const trace of [gone, "late"]) expect(await countRows(store, trace)).toEqual({});
    await expect(turns.save({ ...save, events: [] })).rejects.toMatchObject({
      code: "TURN_FENCED",
    });
    expect(Object.keys(await countRows(store, kept.sessionId)).length).toBeGreaterThan(1);
    expect(Object.keys(await countRows(store, ada)).length).toBeGreaterThan(4);
  });
});

/** What there is of a user besides messages. */
async function leaveMore(
  writer: WriteCaller,
  userId: UserId,
  { turnId, sessionId, messageId }: AcceptedTurn,
): Promise<void> {
  const id = newId();
  const source = { kind: "agent", sessionId, turnId } as const;
  await writer.call("addNote", { id: parseNoteId(id), userId, text: "x", source, createdAtMs: 1 });
  await writer.call("pinMessage", { sessionId, messageId, nowMs: 1 });
  await writer.call("addApproval", approvalOf(newId(), { userId, turnId, sessionId }));
  const tokens = { messages: 1, tokensBefore: 2, tokensAfter: 1 };
  const summary = { summary: "x", model: "extract", ...tokens };
  await writer.call("addCompaction", {
    id: parseCompactionId(id),
    sessionId,
    upToTurnId: turnId,
    ...summary,
    createdAtMs: 1,
    undone: undefined,
  });
}

function answerOf(turnId: TurnId, sessionId: SessionId): Message {
  const id = parseMessageId(newId());
  const parts = [{ kind: "text", text: "hello" }] as const;
  return { id, sessionId, turnId, role: "assistant", parts, isComplete: true, createdAtMs: 2 };
}

function startOf(userMessageId: MessageId): TurnEvent {
  return { kind: "turn-started", userMessageId, text: "hi", attempt: 1 };
}
