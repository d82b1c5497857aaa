import { afterEach, beforeEach, describe, test, vi } from "vitest";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import { AuditRecorder, type AuditRecorderLimits } from "#infrastructure/store/audit-recorder.ts";

const silent = () => undefined;
const SILENT = { error: silent, warn: silent, info: silent, debug: silent };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("AuditRecorder", () => {
  test("writes what was allowed, in order and in batches", async ({ expect }) => {
    const { recorder, batches } = open();
    for (let number = 0; number < 250; number++)
      recorder.record(eventOf("session.deleted", number));
    await vi.advanceTimersByTimeAsync(50);
    expect(batches.map((batch) => batch.length)).toEqual([200, 50]);
    expect(batches.flat().map(({ atMs }) => atMs)).toEqual(batches.flat().map((_, at) => at));
  });

  test("writes the first refusal of a kind at once and sums up the others", async ({ expect }) => {
    const { recorder, stored } = open();
    for (let number = 0; number < 100_000; number++) recorder.record(denied("alice", number));
    await vi.advanceTimersByTimeAsync(50);
    expect(stored()).toEqual([denied("alice", 0)]);
    await vi.advanceTimersByTimeAsync(60_000);
    const sum = { ...denied("alice", 99_999), detail: { repeated: 99_999, sinceMs: 0 } };
    expect(stored()).toEqual([denied("alice", 0), sum]);
    recorder.record(denied("alice", 7));
    await vi.advanceTimersByTimeAsync(50);
    expect(stored()).toHaveLength(3);
  });

  test("writes few entries however many knock", async ({ expect }) => {
    const { recorder, stored } = open({ kinds: 3 });
    for (let number = 0; number < 10_000; number++) {
      recorder.record(denied(`user-${number % 1_000}`, number));
    }
    await vi.advanceTimersByTimeAsync(61_000);
    expect(stored()).toHaveLength(3 + 3 + 1);
    expect(stored().at(-1)).toMatchObject({
      actor: "system",
      action: "access.denied",
      subject: "others",
      detail: { repeated: 9_970 },
    });
    const counted = stored().map(({ detail }) => (detail as { repeated?: number }).repeated ?? 1);
    expect(counted.reduce((sum, each) => sum + each)).toBe(10_000);
  });

  test("keeps events for a store that takes none, and tells of those it could not", async ({
    expect,
  }) => {
    const { recorder, stored, store } = open({ waiting: 10 });
    store.isFull = true;
    for (let number = 0; number < 15; number++) recorder.record(eventOf("session.deleted", number));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(stored()).toEqual([]);
    store.isFull = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stored().map(({ action }) => action)).toEqual([
      ...Array.from({ length: 10 }, () => "session.deleted"),
      "audit.lost",
    ]);
    expect(stored().at(-1)).toMatchObject({ detail: { events: 5 } });
  });

  test("close() writes all, sums included, and does not hang on a store that is gone", async ({
    expect,
  }) => {
    const { recorder, stored, store } = open();
    recorder.record(denied("alice", 1));
    recorder.record(denied("alice", 2));
    await recorder.close();
    expect(stored()).toHaveLength(2);
    store.isFull = true;
    recorder.record(denied("alice", 3));
    await recorder.close();
    expect(stored()).toHaveLength(2);
  });
});

function open(limits: Partial<AuditRecorderLimits> = {}) {
  const batches: (readonly AuditEvent[])[] = [];
  const store = { isFull: false };
  const append = async (events: readonly AuditEvent[]) => {
    if (store.isFull) throw new Error("The disk is full");
    batches.push(events);
  };
  const recorder = new AuditRecorder({ append, nowMs: () => 0, log: SILENT, limits });
  return { recorder, batches, store, stored: () => batches.flat() };
}

function eventOf(action: string, atMs: number): AuditEvent {
  const subject = "session:1";
  return { atMs, actor: "alice", action, subject, decision: "allowed", detail: {} };
}

function denied(actor: string, atMs: number): AuditEvent {
  return { ...eventOf("access.denied", atMs), actor, decision: "denied" };
}
