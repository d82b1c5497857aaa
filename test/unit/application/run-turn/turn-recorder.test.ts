import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { TurnRecorder } from "#application/run-turn/turn-recorder.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import type { NumberedEvent } from "#domain/turn/turn-event.ts";
import type { SaveTurn } from "#domain/turn/turn-log.ts";

const MESSAGE = parseMessageId("m2");
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

function createRecorder(save: (saved: SaveTurn) => Promise<void> = async () => {}) {
  const shown: NumberedEvent[] = [];
  const saved: SaveTurn[] = [];
  const recorder = new TurnRecorder(
    {
      dispatch,
      turns: {
        save: async (turn) => {
          await save(turn);
          saved.push(turn);
        },
      },
      show: (_dispatch, events) => shown.push(...events),
      nowMs: () => 1,
    },
    1,
  );
  const texts = () =>
    shown.map(
      ({ seq, event }) => `${seq} ${event.kind === "text-delta" ? event.delta : event.kind}`,
    );
  return { recorder, saved, shown, texts };
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

  test("abandon() leaves no clockwork behind", ({ expect }) => {
    const { recorder, texts } = createRecorder();
    recorder.addText(MESSAGE, "a");
    recorder.addText(MESSAGE, "b");
    recorder.abandon();
    expect(vi.getTimerCount()).toBe(0);
    expect(texts()).toEqual(["11 a"]);
  });
});
