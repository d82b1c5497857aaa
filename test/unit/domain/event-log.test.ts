import { test } from "vitest";
import { parseMessageId } from "#domain/shared/id.ts";
import { packEvents, unpackEvents } from "#domain/turn/event-log.ts";
import type { NumberedEvent, TurnEvent } from "#domain/turn/turn-event.ts";

const messageIds = ["a", "b"].map(parseMessageId);

test("unpackEvents() gives back what packEvents() took, from any position", ({ expect }) => {
  for (let seed = 1; seed <= 300; seed++) {
    const events = randomEvents(seed);
    const packed = packEvents(events);
    for (let after = 0; after <= events.length; after++) {
      expect(unpackEvents(packed, after)).toEqual(events.slice(after));
    }
  }
});

test("packEvents() keeps the deltas of one text in one entry", ({ expect }) => {
  const [messageId] = messageIds as [ReturnType<typeof parseMessageId>];
  const events = number(
    ["He", "l", "lo 🙂"].map((delta) => ({ kind: "text-delta", messageId, delta })),
  );
  expect(packEvents(events)).toEqual([
    { seq: 1, event: { kind: "text-delta", messageId, delta: "Hello 🙂" }, cuts: [2, 3, 8] },
  ]);
});

function randomEvents(seed: number): NumberedEvent[] {
  let state = seed;
  // Park and Miller's minimal standard generator.
  const below = (limit: number) => (state = (state * 48_271) % 2_147_483_647) % limit;
  const events = Array.from({ length: below(30) }, (): TurnEvent => {
    const messageId = messageIds[below(2)] ?? parseMessageId("c");
    const kinds = ["text-delta", "text-delta", "text-delta", "text-started", "text-ended"] as const;
    const kind = kinds[below(kinds.length)] ?? "text-delta";
    return kind === "text-delta"
      ? { kind, messageId, delta: "🙂abc".slice(0, 1 + below(5)) }
      : { kind, messageId };
  });
  return number(events);
}

function number(events: readonly TurnEvent[]): NumberedEvent[] {
  return events.map((event, index) => ({ seq: index + 1, event }));
}
