import { describe, test, vi } from "vitest";
import { createWaitForTurn } from "#application/wait-for-turn/wait-for-turn.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import type { Turn, TurnState } from "#domain/turn/turn.ts";

const input = {
  userId: parseUserId("u"),
  sessionId: parseSessionId("s"),
  turnId: parseTurnId("t"),
  after: 3,
};

function open(first: TurnState | undefined = { kind: "running", startedAtMs: 0 }) {
  vi.useFakeTimers();
  let state: TurnState | undefined = first;
  let looks = 0;
  let followers = 0;
  let show = (_frames: readonly string[]) => {};
  const abort = new AbortController();
  const wait = createWaitForTurn({
    async findTurn(): Promise<Turn | undefined> {
      looks += 1;
      if (state === undefined) return undefined;
      const { userId, sessionId, turnId: id } = input;
      const own = { attempts: 1, epoch: 1, createdAtMs: 0, isCancelled: false };
      return { id, userId, sessionId, userMessageId: parseMessageId("m"), state, ...own };
    },
    async followSession(_from, sink) {
      followers += 1;
      show = sink;
      return { kind: "following", stop: () => void (followers -= 1) };
    },
    mayEndTurn: (frame) => frame === "end",
  });
  let isDone = false;
  const waited = wait(input, abort.signal).then(() => {
    isDone = true;
  });
  return {
    abort,
    waited,
    show: (...frames: readonly string[]) => show(frames),
    end: (ended: TurnState | undefined) => {
      state = ended;
    },
    seen: () => ({ looks, followers, isDone }),
    [Symbol.dispose]: () => void vi.useRealTimers(),
  };
}

describe("waitForTurn()", () => {
  test("does not wait for people", async ({ expect }) => {
    using opened = open();
    await vi.advanceTimersByTimeAsync(10);
    opened.end({ kind: "waiting", sinceMs: 1 });
    opened.show("end");
    await vi.advanceTimersByTimeAsync(30);
    expect(opened.seen()).toMatchObject({ followers: 0, isDone: true });
    await opened.waited;
  });

  test("looks once what it may have missed, and at the end", async ({ expect }) => {
    using opened = open();
    await vi.advanceTimersByTimeAsync(500);
    for (let i = 0; i < 50; i += 1) opened.show("text", "more");
    await vi.advanceTimersByTimeAsync(100);
    expect(opened.seen()).toEqual({ looks: 1, followers: 1, isDone: false });
    opened.end({ kind: "completed", endedAtMs: 1 });
    opened.show("text", "end");
    await vi.advanceTimersByTimeAsync(30);
    expect(opened.seen()).toEqual({ looks: 2, followers: 0, isDone: true });
  });

  test("finds an end that is stored after it was shown", async ({ expect }) => {
    using opened = open();
    await vi.advanceTimersByTimeAsync(0);
    opened.show("end");
    await vi.advanceTimersByTimeAsync(30);
    opened.end({ kind: "cancelled", endedAtMs: 1 });
    await vi.advanceTimersByTimeAsync(1_100);
    expect(opened.seen().isDone).toBe(true);
  });

  test("finds an end that nobody showed", async ({ expect }) => {
    using opened = open();
    await vi.advanceTimersByTimeAsync(0);
    opened.end(undefined);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(opened.seen()).toMatchObject({ followers: 0, isDone: true });
  });

  test("stops at once when it is told to", async ({ expect }) => {
    using opened = open();
    await vi.advanceTimersByTimeAsync(0);
    opened.abort.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(opened.seen()).toEqual({ looks: 1, followers: 0, isDone: true });
  });

  test("does not wait for what has ended", async ({ expect }) => {
    using opened = open({ kind: "completed", endedAtMs: 1 });
    await opened.waited;
    expect(opened.seen()).toEqual({ looks: 1, followers: 0, isDone: true });
  });
});
