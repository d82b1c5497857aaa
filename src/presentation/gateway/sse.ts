import type { HttpResponse } from "uWebSockets.js";
import type { FrameSink } from "#application/follow-session/session-hub.ts";
import { positionOf } from "./event-frame.ts";
import { Outbox } from "./outbox.ts";
import type { Refusal } from "./replies.ts";

const HEARTBEAT_MS = 15_000;
/** After a line broke, a client comes back within this and half as much again. */
const RETRY_MS = 1_000;
const HEARTBEAT = ":\n\n";

export interface EventStreamOptions {
  /** Begins to show events to `sink`; gives what ends that. */
  follow(sink: FrameSink): Promise<(() => void) | undefined>;
  /** Told once, when the stream is over. */
  onClosed(): void;
  onSlow(): void;
  onFailed(error: unknown): void;
}

/** One client's stream of server-sent events: the frames of a session, each under its position. */
export class EventStream {
  readonly #response: HttpResponse;
  readonly #options: EventStreamOptions;
  readonly #outbox: Outbox;
  readonly #heartbeat: NodeJS.Timeout;
  #isBlocked = false;
  #isOver = false;
  #stop: (() => void) | undefined;

  constructor(response: HttpResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    this.#outbox = new Outbox({
      send: (text) => this.#send(text),
      getBufferedAmount: () => (this.#isBlocked ? Number.POSITIVE_INFINITY : 0),
      cork: (write) => response.cork(write),
    });
    response.onWritable(() => {
      this.#isBlocked = false;
      this.#outbox.flush();
      return !this.#isBlocked;
    });
    this.#heartbeat = setInterval(() => this.#write([HEARTBEAT]), HEARTBEAT_MS);
    this.#write([retryHint(RETRY_MS)]);
    void this.#follow();
  }

  /** Tells the client when to come back once the stream ends. */
  announce(reconnectAfterMs: number): void {
    this.#write([retryHint(reconnectAfterMs)]);
  }

  end(): void {
    this.#end("");
  }

  /** Tells the client why, and ends. It will be told again when it comes back. */
  refuse({ code, message }: Refusal): void {
    this.#end(`event: error\ndata: ${JSON.stringify({ type: "error", code, message })}\n\n`);
  }

  /** The connection is gone: nothing touches it from here on. */
  closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#outbox.close();
    this.#stop?.();
    this.#options.onClosed();
  }

  async #follow(): Promise<void> {
    try {
      const stop = await this.#options.follow((frames) => this.#write(frames.map(toEvent)));
      if (this.#isOver) stop?.();
      else if (stop === undefined) this.#end("");
      else this.#stop = stop;
    } catch (error) {
      this.#options.onFailed(error);
      this.#end("");
    }
  }

  #write(texts: readonly string[]): void {
    if (this.#isOver || this.#outbox.pushAll(texts)) return;
    this.#options.onSlow();
    // What waits in the socket is lost with it; the client asks for it when it comes back.
    this.closed();
    this.#response.close();
  }

  #send(text: string | ArrayBuffer): number {
    this.#isBlocked = !this.#response.write(text);
    return this.#isBlocked ? 0 : 1;
  }

  #end(last: string): void {
    if (this.#isOver) return;
    this.closed();
    // Not told to close the connection: the header that says so would come in the midst of a body.
    this.#response.cork(() => this.#response.end(last));
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
