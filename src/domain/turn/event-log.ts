import type { NumberedEvent, TurnEvent } from "./turn-event.ts";

/**
 * An event as the log keeps it. The deltas of one text that follow each other are one entry:
 * `event.delta` is all their text, `cuts` says after how many characters (UTF-16 units) each of
 * them ended, and `seq` is the first one's. Any other event has no `cuts`.
 */
export interface PackedEvent {
  readonly seq: number;
  readonly event: TurnEvent;
  readonly cuts?: readonly number[];
}

/** Packs events that follow each other without a gap. The inverse is `unpackEvents`. */
export function packEvents(events: readonly NumberedEvent[]): PackedEvent[] {
  const packed: PackedEvent[] = [];
  for (let at = 0; at < events.length; ) {
    const run = textRunFrom(events, at);
    const first = events[at] as NumberedEvent;
    packed.push(run.cuts.length > 1 ? { seq: first.seq, ...run } : first);
    at += Math.max(run.cuts.length, 1);
  }
  return packed;
}

/** The events that were packed, without those up to and including `after`. */
export function unpackEvents(packed: readonly PackedEvent[], after: number): NumberedEvent[] {
  return packed.flatMap(unpackOne).filter(({ seq }) => seq > after);
}

function textRunFrom(events: readonly NumberedEvent[], start: number) {
  const { event } = events[start] as NumberedEvent;
  const cuts: number[] = [];
  if (event.kind !== "text-delta") return { event, cuts };
  let text = "";
  for (let at = start; at < events.length; at++) {
    const next = (events[at] as NumberedEvent).event;
    if (next.kind !== "text-delta" || next.messageId !== event.messageId) break;
    text += next.delta;
    cuts.push(text.length);
  }
  return { event: { ...event, delta: text }, cuts };
}

function unpackOne({ seq, event, cuts }: PackedEvent): NumberedEvent[] {
  if (cuts === undefined || event.kind !== "text-delta") return [{ seq, event }];
  return cuts.map((end, index) => ({
    seq: seq + index,
    event: { ...event, delta: event.delta.slice(cuts[index - 1] ?? 0, end) },
  }));
}
