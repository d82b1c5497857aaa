import type { BusMessage } from "#application/ports/bus.ts";
import { cutIntoParts } from "./parts.ts";

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
  /** It is part of a message, and has a payload of its own. */
  readonly isPart: boolean;
  readonly text: string;
  readonly bytes: number;
}

type FramesMessage = Extract<BusMessage, { kind: "frames" }>;

/** Other messages are short; so many wait only where nothing gets out for long. */
const MAX_WAITING = 10_000;

/**
 * What waits to be sent, in order. Many messages go into one payload, one that is too large for it
 * goes in parts. Of messages that say the same only one waits; what is too much is dropped.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #envelope: string;
  /** How many bytes of messages, or of a part of one, go into a payload. */
  readonly #room: number;
  /** By a key that is the same for messages of which only the latest counts. */
  readonly #waiting = new Map<string, Waiting>();
  #made = 0;
  #frameBytes = 0;
  #dropped = 0;

  constructor(sender: string, limits: OutboxLimits) {
    this.#limits = limits;
    this.#envelope = envelopeOf(sender);
    const around = `${this.#envelope},"messages":[]}`;
    this.#room = limits.maxPayloadBytes - Buffer.byteLength(around);
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
      payloads.push(this.#takePart() ?? this.#takeMessages());
    }
    return payloads;
  }

  #takePart(): string | undefined {
    const [[key, next] = []] = this.#waiting;
    if (key === undefined || !next?.isPart) return undefined;
    this.#forget(key);
    return `${this.#envelope},"part":${next.text}}`;
  }

  #takeMessages(): string {
    const texts: string[] = [];
    let bytes = 0;
    for (const [key, next] of this.#waiting) {
      bytes += next.bytes + 1;
      if (next.isPart || (bytes > this.#room && texts.length > 0)) break;
      texts.push(next.text);
      this.#forget(key);
    }
    return `${this.#envelope},"messages":[${texts.join(",")}]}`;
  }

  #addNews(message: Exclude<BusMessage, FramesMessage>): void {
    const key = keyOf(message);
    // The later one takes the earlier one's place at the end: it must not overtake.
    if (!this.#waiting.delete(key) && this.#waiting.size >= MAX_WAITING) this.#dropped += 1;
    else this.#push(key, message);
  }

  /** In pieces that fit into a payload each, but for a frame that is too large by itself. */
  #addFrames(message: FramesMessage): void {
    const { frames, ...rest } = message;
    const room = this.#room - Buffer.byteLength(JSON.stringify({ ...rest, frames: [] }));
    let piece: FramesMessage["frames"] = [];
    let bytes = 0;
    const finish = () => {
      if (piece.length > 0) this.#push(`frames ${this.#made++}`, { ...rest, frames: piece });
      piece = [];
      bytes = 0;
    };
    for (const frame of frames) {
      const size = Buffer.byteLength(JSON.stringify(frame)) + 1;
      if (bytes + size > room) finish();
      if (this.#frameBytes + bytes + size > this.#limits.maxFrameBytes) {
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
    const isFrames = message.kind === "frames";
    if (Buffer.byteLength(text) <= this.#room) this.#put(key, { text, isFrames, isPart: false });
    else {
      this.#made += 1;
      for (const [at, part] of cutIntoParts(text, this.#made, this.#room).entries()) {
        this.#put(`${key} part ${at}`, { text: part, isFrames, isPart: true });
      }
    }
  }

  #put(key: string, item: Omit<Waiting, "bytes">): void {
    const bytes = Buffer.byteLength(item.text);
    this.#waiting.set(key, { ...item, bytes });
    if (item.isFrames) this.#frameBytes += bytes;
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
    case "cancel-task":
      return `${message.kind} ${message.taskId}`;
    case "brake-changed":
      return message.kind;
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
