import { describe, type TestContext, test } from "vitest";
import type { Housekeeping } from "../../src/application/ports/housekeeping.ts";
import type { InstanceRegistry } from "../../src/domain/instance/instance-registry.ts";
import type { SessionRepository } from "../../src/domain/session/session-repository.ts";
import {
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
} from "../../src/domain/shared/id.ts";
import { dayOf } from "../../src/domain/spend/budget.ts";
import type { SpendRepository } from "../../src/domain/spend/spend-repository.ts";
import type { TurnLog } from "../../src/domain/turn/turn-log.ts";
import type { UserRepository } from "../../src/domain/user/user-repository.ts";
import { newId } from "../../src/infrastructure/ids/ids.ts";
import { modelCallOf } from "../support/agent-store.ts";

export interface OpenedHousekeeping extends AsyncDisposable {
  readonly housekeeping: Housekeeping;
  readonly turns: TurnLog;
  readonly instances: InstanceRegistry;
  readonly sessions: SessionRepository;
  readonly users: UserRepository;
  readonly spend: SpendRepository;
}

const userId = parseUserId("admin");
const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;
const EVENTS_OF_TURN = 4;

/** What is deleted of a store, and what readers get who ask for it. */
export function describeHousekeeping(name: string, open: () => Promise<OpenedHousekeeping>): void {
  describe(`trimEvents() ${name}`, () => {
    test("keeps the latest events of a session that is in use", async (context) => {
      const { expect } = context;
      const { housekeeping, sessions, converse } = await openStore(context);
      const sessionId = await converse({ turns: 5, nowMs: NOW });
      const trim = { restedSinceMs: NOW - 1, keepEvents: 8, after: "" };
      expect(await housekeeping.trimEvents(trim)).toEqual({ deleted: 3, next: undefined });
      expect(await housekeeping.trimEvents(trim)).toEqual({ deleted: 0, next: undefined });
      // Who has something of what is left goes on; who has less gets a snapshot.
      const read = (after: number) => sessions.readEvents({ sessionId, after, limit: 100 });
      expect(await read(13)).toMatchObject({ kind: "events", isLast: true });
      expect(await read(20)).toMatchObject({ kind: "events", events: [], isLast: true });
      for (const after of [0, 4, 12]) {
        expect(await read(after), String(after)).toMatchObject({
          kind: "unknown-position",
          headSeq: 20,
        });
      }
      expect(await sessions.listMessages({ sessionId, limit: 100 })).toHaveLength(5);
    });

    test("deletes all events of a session that has rested; its messages stay", async (context) => {
      const { expect } = context;
      const { housekeeping, sessions, converse } = await openStore(context);
      const rested = await converse({ turns: 2, nowMs: NOW - 10 });
      const busy = await converse({ turns: 2, nowMs: NOW });
      const trim = { restedSinceMs: NOW - 5, keepEvents: 5_000, after: "" };
      expect(await housekeeping.trimEvents(trim)).toEqual({ deleted: 2, next: undefined });
      const read = (sessionId: SessionId, after: number) =>
        sessions.readEvents({ sessionId, after, limit: 100 });
      expect(await read(rested, 0)).toMatchObject({ kind: "unknown-position", headSeq: 8 });
      expect(await read(rested, 8)).toMatchObject({ kind: "events", events: [], isLast: true });
      expect(await read(busy, 0)).toMatchObject({ kind: "events", isLast: true });
      expect(await sessions.listMessages({ sessionId: rested, limit: 9 })).toHaveLength(2);
      // It goes on as if nothing had happened.
      await converse({ turns: 1, nowMs: NOW, sessionId: rested });
      const next = await read(rested, 9);
      expect(next.kind === "events" && next.events.map(({ seq }) => seq)).toEqual([10, 11, 12]);
    });

    test("takes a little at once", async (context) => {
      const { expect } = context;
      const { housekeeping, converse } = await openStore(context);
      for (let each = 0; each < 101; each++) await converse({ turns: 1, nowMs: NOW - 10 });
      const trim = { restedSinceMs: NOW, keepEvents: 5_000 };
      const first = await housekeeping.trimEvents({ ...trim, after: "" });
      expect(first).toMatchObject({ deleted: 100, next: expect.any(String) });
      const second = await housekeeping.trimEvents({ ...trim, after: first.next ?? "" });
      expect(second).toEqual({ deleted: 1, next: undefined });
    });
  });

  describe(`deleteOldSpend() ${name}`, () => {
    test("deletes what was spent on days before one, of each user and of all", async (context) => {
      const { expect } = context;
      const { housekeeping, spend, turns, users, converse, owner } = await openStore(context);
      const sessionId = await converse({ turns: 1, nowMs: NOW });
      const turn = { turnId: parseTurnId(newId()), sessionId };
      const message = { clientMessageId: newId(), messageId: parseMessageId(newId()), text: "x" };
      const session = { id: sessionId, isNew: false };
      await turns.accept({ ...turn, ...message, userId, session, owner, nowMs: NOW });
      // The last of so many users is the one who spent something.
      for (let at = 0; at < 100; at++) {
        const id = parseUserId(`a${at}`);
        await users.add({ id, name: id, role: "member", createdAtMs: 1 });
      }
      const modelCalls = [0, 1, 2].map((day) =>
        modelCallOf(turn, { userId, startedAtMs: day * DAY_MS }),
      );
      const write = { messages: [], tasks: [], events: [], modelCalls, nowMs: NOW };
      await turns.save({ ...turn, epoch: owner.epoch, ...write });
      const beforeDay = dayOf(2 * DAY_MS);
      const first = await housekeeping.deleteOldSpend({ beforeDay, after: "" });
      const next = first.next ?? expect.fail();
      const rest = await housekeeping.deleteOldSpend({ beforeDay, after: next });
      expect(rest.next).toBe(undefined);
      expect(first.deleted + rest.deleted).toBe(4);
      for (const [day, steps] of [0, 0, 1].entries()) {
        const read = { ...turn, userId, day: dayOf(day * DAY_MS) };
        const spent = { user: { steps }, day: { steps }, turn: { steps: 3 } };
        expect(await spend.read(read), String(day)).toMatchObject(spent);
      }
    });
  });

  async function openStore({ onTestFinished }: TestContext) {
    const opened = await open();
    onTestFinished(() => opened[Symbol.asyncDispose]());
    const { turns, instances, users, sessions } = opened;
    await users.add({ id: userId, name: "Admin", role: "admin", createdAtMs: 1 });
    const instanceId = parseInstanceId("here");
    const entry = { instanceId, leaseMs: 3_600_000, isAlone: false };
    const { epoch } = await instances.join(entry);

    /** Turns with four events each. */
    async function converse(input: { turns: number; nowMs: number; sessionId?: SessionId }) {
      const { nowMs } = input;
      const sessionId = input.sessionId ?? parseSessionId(newId());
      for (let turn = 0; turn < input.turns; turn++) {
        const turnId = parseTurnId(newId());
        const messageId = parseMessageId(newId());
        const isNew = input.sessionId === undefined && turn === 0;
        const accepted = await turns.accept({
          turnId,
          userId,
          clientMessageId: newId(),
          messageId,
          text: "Hello",
          session: { id: sessionId, isNew },
          owner: { instanceId, epoch },
          nowMs,
        });
        const seq = accepted.kind === "accepted" ? accepted.seq : Number.NaN;
        const events = Array.from({ length: EVENTS_OF_TURN }, (_, at) => ({
          seq: seq + at + 1,
          event: { kind: "text-ended", messageId } as const,
        }));
        const end = { kind: "completed", endedAtMs: nowMs } as const;
        await turns.save({ turnId, sessionId, epoch, messages: [], tasks: [], events, end, nowMs });
      }
      return sessionId;
    }
    return { ...opened, sessions, converse, owner: { instanceId, epoch } };
  }
}
