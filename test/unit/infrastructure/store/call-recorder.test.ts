import { describe, test } from "vitest";
import type { LogFields } from "#application/ports/logger.ts";
import { Fault } from "#domain/shared/fault.ts";
import { CallRecorder, type RecorderLimits } from "#infrastructure/store/call-recorder.ts";
import type { RecordCalls } from "#infrastructure/store/scripts/call-record-scripts.ts";
import { callRecord, hostCallRecord } from "../../../support/call-records.ts";

describe("CallRecorder", () => {
  test("gathers what comes side by side into one batch", async ({ expect }) => {
    const opened = openRecorder();
    opened.recorder.addHostCall({ skill: "notes", record: hostCallRecord({ seq: 1 }) });
    opened.recorder.addCall(callRecord());
    expect(opened.batches).toEqual([]);
    await expect.poll(() => opened.batches.length).toBe(1);
    expect(opened.batches[0]).toMatchObject({
      skillCalls: [{ skill: "notes", outcome: "ok", rule: null, recordedAtMs: 7 }],
      hostCalls: [{ skill: "notes", name: "clock", decision: "allowed", argsJson: null }],
      maxRows: 100,
    });
  });

  test("flush() sends at once what waits", ({ expect }) => {
    const opened = openRecorder();
    opened.recorder.addCall(callRecord());
    opened.recorder.flush();
    opened.recorder.flush();
    expect(opened.batches).toHaveLength(1);
  });

  test("drops the oldest while the store is too slow, and tells how many", async ({ expect }) => {
    const opened = openRecorder({
      limits: { waiting: { records: 3, chars: 100 }, sent: { records: 4, chars: 100 } },
      isHeld: true,
    });
    for (let index = 0; index < 20; index++) {
      opened.recorder.addCall(callRecord({ callId: `call-${index}` }));
      opened.recorder.flush();
    }
    expect(opened.callIds()).toEqual(["call-0", "call-1", "call-2", "call-3"]);
    opened.release();
    await expect.poll(() => opened.callIds().slice(4)).toEqual(["call-17", "call-18", "call-19"]);
    expect(opened.warnings).toEqual([{ records: 13 }]);
  });

  test("counts the values that records hold", async ({ expect }) => {
    const opened = openRecorder({ limits: { waiting: { records: 9, chars: 1_000 } } });
    for (const size of [600, 600, 2_000, 10]) {
      const record = hostCallRecord({ args: "x".repeat(size), result: null });
      opened.recorder.addHostCall({ skill: "notes", record });
    }
    await expect.poll(() => opened.batches.length).toBe(1);
    expect(opened.batches[0]?.hostCalls.map(({ argsJson }) => String(argsJson).length)).toEqual([
      12,
    ]);
    expect(opened.warnings).toEqual([{ records: 3 }]);
  });

  test("says what a store that fails has lost, and goes on", async ({ expect }) => {
    const opened = openRecorder({ isBroken: true });
    opened.recorder.addCall(callRecord());
    opened.recorder.flush();
    await expect.poll(() => opened.errors).toMatchObject([{ records: 1 }]);
    opened.recorder.addCall(callRecord());
    opened.recorder.flush();
    expect(opened.batches).toHaveLength(2);
  });
});

interface OpenOptions {
  readonly limits?: Partial<RecorderLimits>;
  /** Nothing is stored before `release`. */
  readonly isHeld?: boolean;
  readonly isBroken?: boolean;
}

function openRecorder({ limits = {}, isHeld = false, isBroken = false }: OpenOptions = {}) {
  const batches: RecordCalls[] = [];
  const warnings: LogFields[] = [];
  const errors: LogFields[] = [];
  const held = Promise.withResolvers<void>();
  if (!isHeld) held.resolve();
  const recorder = new CallRecorder({
    save: async (batch) => {
      batches.push(batch);
      await held.promise;
      if (isBroken) throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
    },
    nowMs: () => 7,
    log: {
      error: (fields) => void errors.push(fields),
      warn: (fields) => void warnings.push(fields),
      info: () => undefined,
      debug: () => undefined,
    },
    maxRows: 100,
    limits,
  });
  return {
    recorder,
    batches,
    warnings,
    errors,
    callIds: () => batches.flatMap(({ skillCalls }) => skillCalls.map(({ callId }) => callId)),
    release: () => held.resolve(),
  };
}
