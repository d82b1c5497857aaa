import { describe, test } from "vitest";
import type { Bus, BusMessage, BusNotice } from "#application/ports/bus.ts";
import { parseSessionId, parseTurnId } from "#domain/shared/id.ts";

/** Something that buses of one cluster speak over, on a place of its own. */
export interface BusMedium extends AsyncDisposable {
  openBus(): Promise<Bus>;
}

const sessionId = parseSessionId("s1");
const ONE_OF_EACH: readonly BusMessage[] = [
  { kind: "turns-queued", sessionId },
  { kind: "cancel-turn", turnId: parseTurnId("t1") },
  { kind: "frames", sessionId, epoch: 3, firstSeq: 5, frames: [{ seq: 5, frame: '{"a":"ä😀"}' }] },
  { kind: "session-moved", sessionId, seq: 7, epoch: 3 },
  { kind: "run-lost", sessionId },
  { kind: "follow", sessionId, seq: 4, epoch: 2 },
  { kind: "credentials-revoked", credentialIds: ["one", "two"] },
];

/** What every bus promises, also that of an instance that is alone. */
export function describeBus(name: string, open: () => Promise<BusMedium>): void {
  describe(`Bus ${name}`, () => {
    test("publish() does not come back to the sender", async ({ expect }) => {
      await using medium = await open();
      await using bus = await medium.openBus();
      const heard = listenTo(bus);
      await using other = await medium.openBus();
      const others = listenTo(other);
      for (const message of ONE_OF_EACH) bus.publish(message);
      if (bus.isShared) await expect.poll(() => others).toHaveLength(ONE_OF_EACH.length);
      expect(heard).toEqual([]);
      expect(bus.trouble).toBeUndefined();
    });

    test("publish() neither waits nor throws, also after the end", async ({ expect }) => {
      await using medium = await open();
      const bus = await medium.openBus();
      for (const message of ONE_OF_EACH) expect(bus.publish(message)).toBeUndefined();
      await bus[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      for (const message of ONE_OF_EACH) expect(bus.publish(message)).toBeUndefined();
    });
  });
}

/** What a bus promises that others listen to. */
export function describeSharedBus(name: string, open: () => Promise<BusMedium>): void {
  describeBus(name, open);
  describe(`Bus ${name}, shared`, () => {
    test("publish() reaches all others, in order, as it was said", async ({ expect }) => {
      await using medium = await open();
      await using bus = await medium.openBus();
      await using second = await medium.openBus();
      await using third = await medium.openBus();
      const heard = [listenTo(second), listenTo(third)];
      for (const message of ONE_OF_EACH) bus.publish(message);
      for (const notices of heard) await expect.poll(() => notices).toEqual(ONE_OF_EACH);
    });

    test("publish() keeps the order of a thousand frames", async ({ expect }) => {
      await using medium = await open();
      await using bus = await medium.openBus();
      await using other = await medium.openBus();
      const heard = listenTo(other);
      for (let seq = 1; seq <= 1_000; seq++) {
        const frames = [{ seq, frame: `{"delta":"${"x".repeat(20)}"}` }];
        bus.publish({ kind: "frames", sessionId, epoch: 1, firstSeq: 1, frames });
        if (seq % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      const expected = Array.from({ length: 1_000 }, (_, index) => index + 1);
      await expect.poll(() => seqsOf(heard), { timeout: 5_000 }).toEqual(expected);
    });

    test("publish() carries a frame of 100,000 characters", async ({ expect }) => {
      await using medium = await open();
      await using bus = await medium.openBus();
      await using other = await medium.openBus();
      const heard = listenTo(other);
      const frames = [{ seq: 1, frame: "äb".repeat(50_000) }];
      const message = { kind: "frames", sessionId, epoch: 1, firstSeq: 1, frames } as const;
      bus.publish(message);
      bus.publish({ kind: "run-lost", sessionId });
      await expect.poll(() => heard, { timeout: 5_000 }).toHaveLength(2);
      expect(heard).toEqual([message, { kind: "run-lost", sessionId }]);
    });

    test("a message that is too large is no hindrance to the next one", async ({ expect }) => {
      await using medium = await open();
      await using bus = await medium.openBus();
      await using other = await medium.openBus();
      const heard = listenTo(other);
      const frames = [1, 2, 3].map((seq) => ({
        seq,
        frame: "x".repeat(seq === 2 ? 9_000_000 : 9),
      }));
      bus.publish({ kind: "frames", sessionId, epoch: 1, firstSeq: 1, frames });
      bus.publish({ kind: "follow", sessionId, seq: 4, epoch: 2 });
      await expect.poll(() => heard.at(-1)?.kind, { timeout: 5_000 }).toBe("follow");
      expect(seqsOf(heard).filter((seq) => seq !== 2)).toEqual([1, 3]);
    });

    test("listen() hears nothing any more when it is ended", async ({ expect }) => {
      await using medium = await open();
      await using bus = await medium.openBus();
      await using other = await medium.openBus();
      const heard: BusNotice[] = [];
      const stop = other.listen((notice) => heard.push(notice));
      const control = listenTo(other);
      stop();
      bus.publish({ kind: "follow", sessionId, seq: 4, epoch: 2 });
      await expect.poll(() => control).toHaveLength(1);
      expect(heard).toEqual([]);
    });
  });
}

function listenTo(bus: Bus): BusNotice[] {
  const heard: BusNotice[] = [];
  bus.listen((notice) => heard.push(notice));
  return heard;
}

function seqsOf(notices: readonly BusNotice[]): number[] {
  return notices.flatMap((notice) =>
    notice.kind === "frames" ? notice.frames.map(({ seq }) => seq) : [],
  );
}
