import type { BusMessage } from "#application/ports/bus.ts";

export interface OutboxLimits {
  /** No payload is longer. */
  readonly maxPayloadBytes: number;
  /** How many payloads go out together. */
  readonly maxPayloads: number;
  /** How much of what turns show may wait; more is dropped, and followers find it in the store. */
  readonly maxFrameBytes: number;
}

interface Waiting {
  readonly isFrames: boolean;
  readonly text: string;
  readonly bytes: number;
}

type FramesMessage = Extract<BusMessage, { kind: "frames" }>;

/** Other messages are short; so many wait only where nothing gets out for long. */
const MAX_WAITING = 10_000;

/**
 * What waits to be sent, in order. Many messages go into one payload. Of messages that say the
 * same only one waits; what is too much is dropped.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #head: string;
  readonly #room: number;
  /** By a key that is the same for messages of which only the latest counts. */
  readonly #waiting = new Map<string, Waiting>();
  #framesMade = 0;
  #frameBytes = 0;
  #dropped = 0;

  constructor(sender: string, limits: OutboxLimits) {
    this.#limits = limits;
    this.#head = `${envelopeOf(sender)},"messages":[`;
    this.#room = limits.maxPayloadBytes - Buffer.byteLength(this.#head) - "]}".length;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** How many messages were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  add(message: BusMessage): void {
    if (message.kind === "frames") this.#addFrames(message);
    else this.#addNews(message);
  }

  /** Drops what turns show: by the time it could be sent, it would be found in the store. */
  dropFrames(): void {
    for (const [key, { isFrames }] of this.#waiting) if (isFrames) this.#forget(key);
  }

  /** The next payloads to send. */
  take(): string[] {
    const payloads: string[] = [];
    while (payloads.length < this.#limits.maxPayloads && !this.isEmpty) {
      const texts: string[] = [];
      let bytes = 0;
      for (const [key, next] of this.#waiting) {
        if (bytes + next.bytes + 1 > this.#room && texts.length > 0) break;
        texts.push(next.text);
        bytes += next.bytes + 1;
        this.#forget(key);
      }
      payloads.push(`${this.#head}${texts.join(",")}]}`);
    }
    return payloads;
  }

  #addNews(message: Exclude<BusMessage, FramesMessage>): void {
    const key = keyOf(message);
    // The later one takes the earlier one's place at the end: it must not overtake.
    if (!this.#waiting.delete(key) && this.#waiting.size >= MAX_WAITING) this.#dropped += 1;
    else this.#push(key, message);
  }

  /** In pieces that fit into a payload each. A frame that fits in none is left out. */
  #addFrames(message: FramesMessage): void {
    const { frames, ...rest } = message;
    const room = this.#room - Buffer.byteLength(JSON.stringify({ ...rest, frames: [] }));
    let piece: FramesMessage["frames"] = [];
    let bytes = 0;
    const finish = () => {
      if (piece.length > 0) this.#push(`frames ${this.#framesMade++}`, { ...rest, frames: piece });
      piece = [];
      bytes = 0;
    };
    for (const frame of frames) {
      const size = Buffer.byteLength(JSON.stringify(frame)) + 1;
      if (bytes + size > room) finish();
      if (size > room || this.#frameBytes + bytes + size > this.#limits.maxFrameBytes) {
        finish();
        this.#dropped += 1;
      } else {
        piece.push(frame);
        bytes += size;
      }
    }
    finish();
  }

  #push(key: string, message: BusMessage): void {
    const text = JSON.stringify(message);
    const bytes = Buffer.byteLength(text);
    const isFrames = message.kind === "frames";
    this.#waiting.set(key, { isFrames, text, bytes });
    if (isFrames) this.#frameBytes += bytes;
  }

  #forget(key: string): void {
    const { isFrames, bytes = 0 } = this.#waiting.get(key) ?? {};
    if (isFrames) this.#frameBytes -= bytes;
    this.#waiting.delete(key);
  }
}

/** How every payload of a sender begins. */
export function envelopeOf(sender: string): string {
  return `{"from":${JSON.stringify(sender)}`;
}

function keyOf(message: Exclude<BusMessage, FramesMessage>): string {
  switch (message.kind) {
    case "cancel-turn":
      return `${message.kind} ${message.turnId}`;
    case "credentials-revoked":
      return `${message.kind} ${message.credentialIds.join()}`;
    case "turns-queued":
    case "session-moved":
    case "run-lost":
    case "follow":
      return `${message.kind} ${message.sessionId}`;
    default:
      return message satisfies never;
  }
}
