import { describe, test } from "vitest";
import type { BusMessage } from "#application/ports/bus.ts";
import { parseSessionId } from "#domain/shared/id.ts";
import { Outbox } from "#infrastructure/bus/outbox.ts";
import { cutIntoParts, PartJoiner } from "#infrastructure/bus/parts.ts";

const limits = { maxPayloadBytes: 1_000, maxPayloads: 3, maxFrameBytes: 3_000 };

function sessionOf(index: number) {
  return parseSessionId(`s${index}`);
}

function framesOf(first: number, count: number, chars = 100): BusMessage {
  const frames = Array.from({ length: count }, (_, index) => ({
    seq: first + index,
    frame: "ä".repeat(chars / 2),
  }));
  return { kind: "frames", sessionId: sessionOf(1), epoch: 1, firstSeq: 1, frames };
}

function messagesOf(payloads: readonly string[]): BusMessage[] {
  return payloads.flatMap((each) => (JSON.parse(each) as { messages: BusMessage[] }).messages);
}

function takeAll(outbox: Outbox): string[] {
  const all: string[] = [];
  while (!outbox.isEmpty) all.push(...outbox.take());
  return all;
}

describe("Outbox", () => {
  test("many messages go into one payload, in order", ({ expect }) => {
    const outbox = new Outbox("me", limits);
    const messages = [1, 2, 3].map((each) => ({
      kind: "follow" as const,
      sessionId: sessionOf(each),
      seq: 4,
      epoch: 2,
    }));
    for (const message of messages) outbox.add(message);
    expect(outbox.take()).toEqual([JSON.stringify({ from: "me", messages })]);
    expect(outbox.isEmpty).toBe(true);
  });

  test("no payload is too long, and no more go out at once than may", ({ expect }) => {
    const outbox = new Outbox("me", limits);
    for (let each = 0; each < 100; each++) {
      outbox.add({ kind: "turns-queued", sessionId: sessionOf(each) });
    }
    outbox.add(framesOf(1, 15));
    const payloads: string[] = [];
    while (!outbox.isEmpty) {
      const some = outbox.take();
      expect(some.length).toBeLessThanOrEqual(limits.maxPayloads);
      payloads.push(...some);
    }
    for (const payload of payloads) {
      expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(limits.maxPayloadBytes);
    }
    const messages = messagesOf(payloads);
    expect(messages.filter(({ kind }) => kind === "turns-queued")).toHaveLength(100);
    const seqs = messages.flatMap((each) => (each.kind === "frames" ? each.frames : []));
    expect(seqs.map(({ seq }) => seq)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
  });

  test("of what says the same the latest goes out, at its own place", ({ expect }) => {
    const outbox = new Outbox("me", limits);
    const sessionId = sessionOf(1);
    outbox.add({ kind: "session-moved", sessionId, seq: 3, epoch: 1 });
    outbox.add(framesOf(4, 1));
    outbox.add({ kind: "session-moved", sessionId, seq: 4, epoch: 1 });
    outbox.add({ kind: "session-moved", sessionId: sessionOf(2), seq: 1, epoch: 1 });
    const messages = messagesOf(takeAll(outbox));
    expect(messages.map(({ kind }) => kind)).toEqual(["frames", "session-moved", "session-moved"]);
    expect(messages[1]).toMatchObject({ seq: 4 });
    outbox.add({ kind: "session-moved", sessionId, seq: 5, epoch: 1 });
    expect(messagesOf(takeAll(outbox))).toHaveLength(1);
  });

  test("frames beyond the bound are dropped, and room comes back", ({ expect }) => {
    const outbox = new Outbox("me", limits);
    outbox.add(framesOf(1, 30));
    expect(outbox.takeDropped()).toBeGreaterThan(0);
    expect(outbox.takeDropped()).toBe(0);
    outbox.add({ kind: "follow", sessionId: sessionOf(1), seq: 4, epoch: 2 });
    const messages = messagesOf(takeAll(outbox));
    expect(messages.at(-1)?.kind).toBe("follow");
    outbox.add(framesOf(31, 2));
    expect(outbox.takeDropped()).toBe(0);
    expect(messagesOf(takeAll(outbox))).toHaveLength(1);
  });

  test("a message that no payload holds goes in parts, at its own place", ({ expect }) => {
    const outbox = new Outbox("me", limits);
    const rest = { kind: "frames", sessionId: sessionOf(1), epoch: 1, firstSeq: 1 } as const;
    const [small, large, last] = [1, 2, 3].map((seq) => ({
      seq,
      frame: seq === 2 ? "\u{1F600}ä".repeat(250) : "a",
    }));
    outbox.add({ ...rest, frames: [small, large, last].filter((each) => each !== undefined) });
    const news = { kind: "follow", sessionId: sessionOf(1), seq: 4, epoch: 2 } as const;
    outbox.add(news);
    const payloads = takeAll(outbox);
    for (const payload of payloads) {
      expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(limits.maxPayloadBytes);
    }
    expect(joined(payloads)).toEqual([
      { ...rest, frames: [small] },
      { ...rest, frames: [large] },
      { ...rest, frames: [last] },
      news,
    ]);
  });

  test("ids without end go in parts, too", ({ expect }) => {
    const outbox = new Outbox("me", limits);
    const credentialIds = Array.from({ length: 500 }, (_, index) => `credential-${index}`);
    outbox.add({ kind: "credentials-revoked", credentialIds });
    expect(joined(takeAll(outbox))).toEqual([{ kind: "credentials-revoked", credentialIds }]);
  });
});

describe("PartJoiner", () => {
  const parts = cutIntoParts("x".repeat(1_000), 1, 300).map((part) => JSON.parse(part) as object);

  test("gives nothing where a part is missing, doubled or out of its place", ({ expect }) => {
    expect(parts.length).toBeGreaterThan(4);
    const [first, second, third, ...others] = parts;
    for (const order of [
      [second, third, ...others],
      [first, third, ...others],
      [first, second, second, third, ...others],
      [first, { ...second, of: 2 }, third, ...others],
      [first, "no part", second, third, ...others].slice(0, 4),
    ]) {
      const joiner = new PartJoiner();
      expect(order.map((part) => joiner.take("a", part)).filter(Boolean)).toEqual([]);
      // And is none the worse for it.
      expect(parts.map((part) => joiner.take("a", part)).filter(Boolean)).toHaveLength(1);
    }
  });

  test("keeps senders apart", ({ expect }) => {
    const joiner = new PartJoiner();
    const wholes = parts.flatMap((part) => [joiner.take("a", part), joiner.take("b", part)]);
    expect(wholes.filter(Boolean)).toEqual(["x".repeat(1_000), "x".repeat(1_000)]);
  });
});

/** What a receiver makes of it. */
function joined(payloads: readonly string[]): BusMessage[] {
  const joiner = new PartJoiner();
  return payloads.flatMap((payload) => {
    const { messages = [], part } = JSON.parse(payload) as {
      messages?: BusMessage[];
      part?: unknown;
    };
    const whole = part === undefined ? undefined : joiner.take("me", part);
    return whole === undefined ? messages : [JSON.parse(whole) as BusMessage];
  });
}
