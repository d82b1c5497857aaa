import { describe, test } from "vitest";
import { type FrameEncoder, SessionHub } from "#application/follow-session/session-hub.ts";
import type { After } from "#application/ports/clock.ts";
import { textOf } from "#domain/message/message.ts";
import { parseTurnId } from "#domain/shared/id.ts";
import {
  createSessionLog,
  frameOf,
  SESSION,
  TURN,
  USER,
} from "../../../support/fakes/session-log.ts";
import { createRandom } from "../../../support/seeded-random.ts";

const encode: FrameEncoder = {
  event: ({ seq, epoch }) => frameOf(seq, epoch).frame,
  snapshot: ({ seq, epoch, messages }) =>
    JSON.stringify({ seq, epoch, lines: messages.map(textOf).join().split("\n").filter(Boolean) }),
};

const after: After = (ms, work) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};

/** A hub over a session with `stored` events of epoch 1. */
function openHub({ stored = 0, delay }: { stored?: number; delay?: () => Promise<void> } = {}) {
  const log = createSessionLog(delay);
  log.store(stored, 1);
  const hub = new SessionHub({ sessions: log.sessions, encode, after });
  const follow = async (after: number, epoch?: number, userId = USER) => {
    const seen: string[] = [];
    const result = await hub.follow({ userId, sessionId: SESSION, after, epoch }, (frames) =>
      seen.push(...frames),
    );
    return { seen, stop: () => result.kind === "following" && result.stop(), result };
  };
  const publish = (from: number, to: number, epoch = 1, turnId = TURN) =>
    hub.publish({
      sessionId: SESSION,
      turnId,
      epoch,
      frames: log.next(to - from + 1, epoch, from - 1),
    });
  return { log, hub, follow, publish };
}

const range = (from: number, to: number, epoch = 1) =>
  Array.from({ length: to - from + 1 }, (_, index) => frameOf(from + index, epoch).frame);
const snapshot = (seq: number, epoch = 1) =>
  JSON.stringify({ seq, epoch, lines: range(1, seq, epoch) });
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("SessionHub", () => {
  test.for([0, 3, 5, 6, 8])(
    "follow() after %i of a running turn misses nothing",
    async (after, { expect }) => {
      const { hub, follow, publish, log } = openHub({ stored: 5 });
      publish(6, 8);
      const follower = await follow(after, 1);
      expect(follower.seen).toEqual(range(after + 1, 8));
      publish(9, 10);
      log.store(10, 1);
      hub.settle(SESSION, TURN);
      expect(follower.seen).toEqual(range(after + 1, 10));
      expect((await follow(after, 1)).seen).toEqual(range(after + 1, 10));
    },
  );

  test("a turn's last words that come after the next one's first end nothing", async ({
    expect,
  }) => {
    const { hub, follow, publish, log } = openHub();
    const { seen } = await follow(0, 1);
    publish(1, 5);
    log.store(6, 1);
    publish(7, 7, 1, parseTurnId("t2"));
    await expect.poll(() => seen).toEqual(range(1, 7));
    publish(6, 6);
    hub.settle(SESSION, TURN);
    publish(8, 8, 1, parseTurnId("t2"));
    await settled();
    log.store(9, 1);
    publish(9, 9, 1, parseTurnId("t2"));
    hub.settle(SESSION, parseTurnId("t2"));
    await settled();
    // No snapshot among them.
    expect(seen).toEqual(range(1, 9));
  });

  test("a follower of a session at rest gets the next turn", async ({ expect }) => {
    const { follow, publish } = openHub({ stored: 5 });
    const { seen } = await follow(5, 1);
    publish(6, 7, 2);
    expect(seen).toEqual(range(6, 7, 2));
  });

  test("what the store had before the hub comes once", async ({ expect }) => {
    const { follow, publish, log } = openHub();
    publish(1, 7);
    log.store(10, 1);
    const ahead = await follow(0);
    const behind = await follow(5, 1);
    publish(8, 12);
    expect(ahead.seen).toEqual(range(1, 12));
    expect(behind.seen).toEqual(range(6, 12));
  });

  test.for([
    ["beyond the end", 9, 1],
    ["of another epoch", 3, 7],
  ] as const)("a position %s is answered with a snapshot", async ([, after, epoch], { expect }) => {
    const { follow } = openHub({ stored: 5 });
    expect((await follow(after, epoch)).seen).toEqual([snapshot(5)]);
  });

  test("who lacks thousands of events gets a snapshot", async ({ expect }) => {
    const { follow } = openHub({ stored: 2_002 });
    expect((await follow(1, 1)).seen).toEqual([snapshot(2_002)]);
    expect((await follow(2, 1)).seen).toEqual(range(3, 2_002));
  });

  test("a run that dies is replaced by a snapshot, then by its second attempt", async ({
    expect,
  }) => {
    const { hub, follow, publish, log } = openHub({ stored: 5 });
    const { seen } = await follow(5, 1);
    publish(6, 9);
    hub.reset(SESSION);
    publish(6, 7, 2);
    await settled();
    log.store(7, 2);
    hub.settle(SESSION, TURN);
    expect(seen).toEqual([...range(6, 9), snapshot(5), ...range(6, 7, 2)]);
    const resumed = await follow(9, 1);
    expect(resumed.seen).toEqual([
      JSON.stringify({ seq: 7, epoch: 2, lines: [...range(1, 5), ...range(6, 7, 2)] }),
    ]);
  });

  test("a follower outlives reads that fail after a run died", async ({ expect }) => {
    const { hub, follow, publish, log } = openHub({ stored: 5 });
    const { seen } = await follow(5, 1);
    publish(6, 6);
    log.breakReads(true);
    hub.reset(SESSION);
    await settled();
    log.breakReads(false);
    publish(6, 6, 2);
    await expect.poll(() => seen).toEqual(["6@1", snapshot(5), "6@2"]);
  });

  test("another user's session and one that is not there are not found", async ({ expect }) => {
    const { hub, follow } = openHub({ stored: 1 });
    const stranger = await follow(0, undefined, "bob" as typeof USER);
    expect(stranger.result).toEqual({ kind: "not-found" });
    expect(hub.size).toBe(0);
  });

  test("follow() rejects where the store cannot be read, and leaves nothing behind", async ({
    expect,
  }) => {
    const { hub, follow, log } = openHub({ stored: 1 });
    log.breakReads(true);
    await expect(follow(0)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(hub.size).toBe(0);
  });

  test("a run with a hole in it is made whole from the store", async ({ expect }) => {
    const { hub, follow, publish, log } = openHub({ stored: 2 });
    const { seen } = await follow(2, 1);
    publish(3, 4);
    publish(7, 8);
    expect(seen).toEqual(range(3, 4));
    log.store(8, 1);
    hub.settle(SESSION, TURN);
    await expect.poll(() => seen).toEqual(range(3, 8));
  });

  test("nothing comes after stop(), and nothing is kept", async ({ expect }) => {
    const { hub, follow, publish, log } = openHub();
    const { seen, stop } = await follow(0);
    publish(1, 2);
    stop();
    publish(3, 4);
    log.store(4, 1);
    hub.settle(SESSION, TURN);
    expect(seen).toEqual(range(1, 2));
    expect(hub.size).toBe(0);
  });

  test.for(Array.from({ length: 150 }, (_, seed) => seed + 1))(
    "followers that come and go have the whole log in the end (seed %i)",
    async (seed, { expect }) => {
      const random = createRandom(seed);
      const pick = (below: number) => Math.floor(random() * below);
      const pause = async () => {
        for (let turns = pick(4); turns > 0; turns--) await settled();
      };
      const { log, hub } = openHub({ delay: pause });
      let epoch = 1;
      let isOver = false;
      const late: (() => void)[] = [];
      const hearLate = () => {
        for (const say of late.splice(0)) say();
      };

      async function runTurns() {
        for (let turn = 0; turn < 6; turn++) {
          const turnId = parseTurnId(`t${turn}`);
          let shown = log.stored.length;
          for (let batch = pick(6); batch >= 0; batch--) {
            const frames = log.next(1 + pick(3), epoch, shown);
            const last = frames.at(-1)?.seq ?? shown;
            const isStoredFirst = random() < 0.3;
            if (isStoredFirst) log.store(last, epoch);
            await pause();
            const said = { sessionId: SESSION, turnId, epoch, frames };
            // Another thread runs the next turn: the last words of this one may come after its first.
            if (batch === 0 && random() < 0.5) late.push(() => hub.publish(said));
            else hub.publish(said);
            if (random() < 0.5) hearLate();
            shown = last;
            if (random() < 0.3) log.store(shown, epoch);
            await pause();
            if (random() < 0.15) {
              epoch += 1;
              // What a dead run has left to say is not heard.
              late.length = 0;
              hub.reset(SESSION);
              shown = log.stored.length;
            }
          }
          log.store(shown, epoch);
          await pause();
          if (late.length > 0) late.push(() => hub.settle(SESSION, turnId));
          else hub.settle(SESSION, turnId);
          await pause();
        }
        hearLate();
        isOver = true;
      }

      async function followOnAndOff() {
        let lines: string[] = [];
        const take = (frames: readonly string[]) => {
          for (const frame of frames) {
            if (frame.startsWith("{")) {
              const { seq, lines: whole } = JSON.parse(frame) as { seq: number; lines: string[] };
              expect(whole).toHaveLength(seq);
              lines = whole;
            } else {
              expect(Number.parseInt(frame, 10), `after ${lines.join()}`).toBe(lines.length + 1);
              lines.push(frame);
            }
          }
        };
        for (;;) {
          const isLast = isOver;
          const last = lines.at(-1);
          const known = last === undefined ? undefined : Number(last.split("@")[1]);
          const position = { after: lines.length, epoch: known };
          const result = await hub.follow({ userId: USER, sessionId: SESSION, ...position }, take);
          if (result.kind !== "following") throw new Error("The session was not found");
          await pause();
          result.stop();
          await pause();
          if (isLast) return lines;
        }
      }

      const followers = Array.from({ length: 4 }, followOnAndOff);
      await runTurns();
      const whole = log.stored.map((event) => encode.event({ ...event, sessionId: SESSION }));
      for (const lines of await Promise.all(followers)) expect(lines).toEqual(whole);
      expect(hub.size).toBe(0);
    },
  );
});
