import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { TurnRecorder } from "#application/run-turn/turn-recorder.ts";
import { ABANDONED, CANCELLED } from "#application/run-turn/turn-signal.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import type { NumberedEvent } from "#domain/turn/turn-event.ts";
import type { SaveTurn } from "#domain/turn/turn-log.ts";

const MESSAGE = parseMessageId("m2");
const COMPLETED = { kind: "completed", endedAtMs: 1 } as const;
const undone = async () => {};
const dispatch = {
  turnId: parseTurnId("t1"),
  sessionId: parseSessionId("s1"),
  userId: parseUserId("ada"),
  messageId: parseMessageId("m1"),
  text: "Hello",
  acceptedAtMs: 0,
  attempt: 1,
  headSeq: 10,
  epoch: 1,
  isCancelled: false,
};

function createRecorder(
  save: (saved: SaveTurn) => Promise<void> = async () => {},
  about: { readonly ranMs?: number } = {},
) {
  const shown: NumberedEvent[] = [];
  const saved: SaveTurn[] = [];
  const time = { nowMs: 1 };
  const stop = new AbortController();
  const recorder = new TurnRecorder(
    {
      dispatch: { ...dispatch, ...about },
      turns: {
        save: async (turn) => {
          await save(turn);
          saved.push(turn);
        },
      },
      show: (_dispatch, events) => shown.push(...events),
      nowMs: () => time.nowMs,
      startedAtMs: 0,
      signal: stop.signal,
    },
    1,
  );
  const texts = () =>
    shown.map(
      ({ seq, event }) => `${seq} ${event.kind === "text-delta" ? event.delta : event.kind}`,
    );
  return { recorder, saved, shown, texts, time, stop };
}

describe("TurnRecorder", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("shows the first delta at once and those that follow within 15 ms as one", ({ expect }) => {
    const { recorder, texts } = createRecorder();
    for (const delta of ["a", "b", "c"]) recorder.addText(MESSAGE, delta);
    expect(texts()).toEqual(["11 a"]);
    vi.advanceTimersByTime(15);
    expect(texts()).toEqual(["11 a", "12 bc"]);
    recorder.addText(MESSAGE, "d");
    expect(texts()).toEqual(["11 a", "12 bc", "13 d"]);
  });

  test("whatever else happens comes after the text before it", ({ expect }) => {
    const { recorder, texts } = createRecorder();
    recorder.addText(MESSAGE, "a");
    recorder.addText(MESSAGE, "b");
    recorder.addEvents({ kind: "text-ended", messageId: MESSAGE });
    vi.advanceTimersByTime(100);
    expect(texts()).toEqual(["11 a", "12 b", "13 text-ended"]);
  });

  test("end() stores all that was not stored, and shows the end only then", async ({ expect }) => {
    const stored = Promise.withResolvers<void>();
    const { recorder, saved, texts } = createRecorder(() => stored.promise);
    recorder.addText(MESSAGE, "a");
    recorder.addText(MESSAGE, "b");
    recorder.addMessage(MESSAGE, "assistant", [{ kind: "text", text: "ab" }]);
    const ending = recorder.end({ kind: "completed", endedAtMs: 1 });
    expect(texts()).toEqual(["11 a", "12 b"]);
    stored.resolve();
    await ending;
    expect(texts()).toEqual(["11 a", "12 b", "13 turn-completed"]);
    expect(recorder.headSeq).toBe(13);
    expect(saved).toMatchObject([
      { events: [{ seq: 11 }, { seq: 12 }, { seq: 13 }], messages: [{ position: 1 }] },
    ]);
  });

  test("save() tries again for as long as the store is unavailable", async ({ expect }) => {
    let failures = 3;
    const { recorder, saved } = createRecorder(async () => {
      if (failures-- > 0) throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
    });
    recorder.addEvents({ kind: "text-started", messageId: MESSAGE });
    const saving = recorder.save();
    await vi.advanceTimersByTimeAsync(1_499);
    expect(saved).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await saving;
    expect(saved).toMatchObject([{ events: [{ seq: 11 }] }]);
  });

  test("save() gives up at once where another run owns the turn", async ({ expect }) => {
    const { recorder } = createRecorder(async () => {
      throw new Fault("TURN_FENCED", "Cannot write turn");
    });
    await expect(recorder.save()).rejects.toMatchObject({ code: "TURN_FENCED" });
  });

  test("waits no longer for a store that is away once the turn is given up", async ({ expect }) => {
    const { recorder, stop } = createRecorder(async () => {
      throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
    });
    const saving = expect(recorder.save()).rejects.toMatchObject({ code: "TURN_FENCED" });
    await vi.advanceTimersByTimeAsync(700);
    stop.abort(ABANDONED);
    await saving;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("waits on where the turn is cancelled meanwhile: its end is to be stored", async ({
    expect,
  }) => {
    let isAway = true;
    const { recorder, saved, stop } = createRecorder(async () => {
      if (isAway) throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
    });
    const ending = recorder.end({ kind: "cancelled", endedAtMs: 1 });
    stop.abort(CANCELLED);
    await vi.advanceTimersByTimeAsync(2_000);
    isAway = false;
    await vi.advanceTimersByTimeAsync(500);
    await ending;
    expect(saved).toMatchObject([{ end: { kind: "cancelled" } }]);
  });

  test("what is to be stored waits for what is being stored, in its order", async ({ expect }) => {
    const first = Promise.withResolvers<void>();
    let begun = 0;
    const { recorder, saved } = createRecorder(() => (++begun === 1 ? first.promise : undone()));
    recorder.addEvents({ kind: "text-started", messageId: MESSAGE });
    const saves = [recorder.save(), recorder.save(), recorder.end(COMPLETED)];
    recorder.addEvents({ kind: "text-ended", messageId: MESSAGE });
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toBe(1);
    first.resolve();
    await Promise.all(saves);
    expect(saved.map(({ events }) => events.map(({ seq }) => seq))).toEqual([[11], [12], [13]]);
  });

  describe("saveTime()", () => {
    test("stores the time alone, once there are two seconds of it", async ({ expect }) => {
      const { recorder, saved, time } = createRecorder();
      recorder.addText(MESSAGE, "a");
      time.nowMs = 1_999;
      void recorder.saveTime();
      expect(saved).toEqual([]);
      time.nowMs = 2_100;
      void recorder.saveTime();
      await vi.advanceTimersByTimeAsync(0);
      const { turnId, sessionId, epoch } = dispatch;
      const nothing = { messages: [], tasks: [], events: [] };
      const alone = { turnId, sessionId, epoch, ...nothing, ranMs: 2_100, nowMs: 2_100 };
      expect(saved).toEqual([alone]);
      time.nowMs = 4_099;
      void recorder.saveTime();
      time.nowMs = 4_500;
      await recorder.end(COMPLETED);
      // All the time there was, and the text with what it belongs to.
      expect(saved.slice(1)).toMatchObject([{ ranMs: 4_500, events: [{ seq: 11 }, { seq: 12 }] }]);
      time.nowMs = 9_000;
      void recorder.saveTime();
      await vi.advanceTimersByTimeAsync(0);
      expect(saved).toHaveLength(2);
    });

    test("is waited for by what is stored next", async ({ expect }) => {
      const first = Promise.withResolvers<void>();
      let begun = 0;
      const { recorder, saved, time } = createRecorder(() =>
        ++begun === 1 ? first.promise : undone(),
      );
      time.nowMs = 3_000;
      void recorder.saveTime();
      void recorder.saveTime();
      const ending = recorder.end(COMPLETED);
      time.nowMs = 3_200;
      await vi.advanceTimersByTimeAsync(10);
      expect(begun).toBe(1);
      first.resolve();
      await ending;
      expect(saved.map(({ ranMs }) => ranMs)).toEqual([3_000, 3_200]);
    });

    test("leaves a store that is away for the next time, and its time with it", async ({
      expect,
    }) => {
      let isAway = true;
      const { recorder, saved, time } = createRecorder(async () => {
        if (isAway) throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
      });
      time.nowMs = 2_500;
      void recorder.saveTime();
      await vi.advanceTimersByTimeAsync(0);
      expect(vi.getTimerCount()).toBe(0);
      isAway = false;
      time.nowMs = 2_750;
      void recorder.saveTime();
      await vi.advanceTimersByTimeAsync(0);
      expect(saved).toMatchObject([{ ranMs: 2_750 }]);
    });

    test("gives all the time of the turn, that of its earlier runs and of a lost answer too", async ({
      expect,
    }) => {
      const tried: SaveTurn[] = [];
      const { recorder, time } = createRecorder(
        async (turn) => {
          tried.push(turn);
          if (tried.length === 1) throw new Fault("STORE_UNAVAILABLE", "The answer was lost");
        },
        { ranMs: 500 },
      );
      const said: string[] = [];
      for (time.nowMs of [2_000, 2_250]) said.push(await recorder.saveTime());
      expect(said).toEqual(["not-saved", "saved"]);
      expect(tried.map(({ ranMs }) => ranMs)).toEqual([2_500, 2_750]);
    });

    test("stops where the turn is another run's, and says so; the next write does too", async ({
      expect,
    }) => {
      let tries = 0;
      const { recorder, time } = createRecorder(async () => {
        tries += 1;
        throw new Fault("TURN_FENCED", "Cannot write turn");
      });
      const said: string[] = [];
      for (time.nowMs of [2_500, 5_000, 7_500]) said.push(await recorder.saveTime());
      expect(said).toEqual(["fenced", "not-saved", "not-saved"]);
      expect(tries).toBe(1);
      await expect(recorder.save()).rejects.toMatchObject({ code: "TURN_FENCED" });
    });

    test("stores nothing of a turn that is given up", async ({ expect }) => {
      const { recorder, saved, time, stop } = createRecorder();
      time.nowMs = 2_500;
      stop.abort(ABANDONED);
      void recorder.saveTime();
      const other = createRecorder();
      other.time.nowMs = 2_500;
      other.recorder.abandon();
      void other.recorder.saveTime();
      await vi.advanceTimersByTimeAsync(0);
      expect([...saved, ...other.saved]).toEqual([]);
    });
  });

  test("abandon() leaves no clockwork behind", ({ expect }) => {
    const { recorder, texts } = createRecorder();
    recorder.addText(MESSAGE, "a");
    recorder.addText(MESSAGE, "b");
    recorder.abandon();
    expect(vi.getTimerCount()).toBe(0);
    expect(texts()).toEqual(["11 a"]);
  });
});
