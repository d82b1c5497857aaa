import type { HttpResponse } from "uWebSockets.js";
import type { FrameSink } from "#application/follow-session/session-hub.ts";
import { positionOf } from "./event-frame.ts";
import type { Refusal } from "./replies.ts";
import { SseWriter, type SseWriterOptions } from "./sse-writer.ts";

/** After a line broke, a client comes back within this and half as much again. */
const RETRY_MS = 1_000;

export interface EventStreamOptions extends SseWriterOptions {
  /** Begins to show events to `sink`; gives what ends that. */
  follow(sink: FrameSink): Promise<(() => void) | undefined>;
  onFailed(error: unknown): void;
}

/** One client's stream of server-sent events: the frames of a session, each under its position. */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #writer: SseWriter;
  #stop: (() => void) | undefined;

  constructor(response: HttpResponse, options: EventStreamOptions) {
    this.#options = options;
    this.#writer = new SseWriter(response, {
      onClosed: () => {
        this.#stop?.();
        options.onClosed();
      },
      onSlow: () => options.onSlow(),
    });
    this.#writer.write([retryHint(RETRY_MS)]);
    void this.#follow();
  }

  /** Tells the client when to come back once the stream ends. */
  announce(reconnectAfterMs: number): void {
    this.#writer.write([retryHint(reconnectAfterMs)]);
  }

  end(): void {
    this.#writer.end();
  }

  /** Tells the client why, and ends. It will be told again when it comes back. */
  refuse({ code, message }: Refusal): void {
    this.#writer.end(`event: error\ndata: ${JSON.stringify({ type: "error", code, message })}\n\n`);
  }

  /** The connection is gone: nothing touches it from here on. */
  closed(): void {
    this.#writer.closed();
  }

  async #follow(): Promise<void> {
    try {
      const stop = await this.#options.follow((frames) => this.#writer.write(frames.map(toEvent)));
      if (this.#writer.isOver) stop?.();
      else if (stop === undefined) this.#writer.end();
      else this.#stop = stop;
    } catch (error) {
      this.#options.onFailed(error);
      this.#writer.end();
    }
  }
}

function toEvent(frame: string): string {
  const position = positionOf(frame);
  const id = position === undefined ? "" : `id: ${position.epoch}:${position.seq}\n`;
  return `${id}data: ${frame}\n\n`;
}

/** Up to half as much again, so that clients do not all come back in the same moment. */
function retryHint(ms: number): string {
  return `retry: ${Math.round(ms * (1 + Math.random() / 2))}\n\n`;
}
