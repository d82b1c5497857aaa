import type { HttpResponse } from "uWebSockets.js";
import { Outbox } from "./outbox.ts";

const HEARTBEAT_MS = 15_000;
const HEARTBEAT = ":\n\n";

export interface SseWriterOptions {
  /** Told once, when the stream is over. */
  onClosed(): void;
  onSlow(): void;
}

/** Writes server-sent events at the pace of their reader, and a comment now and then. */
export class SseWriter {
  readonly #response: HttpResponse;
  readonly #options: SseWriterOptions;
  readonly #outbox: Outbox;
  readonly #heartbeat: NodeJS.Timeout;
  #isBlocked = false;
  #isOver = false;
  #isEnding = false;

  constructor(response: HttpResponse, options: SseWriterOptions) {
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
      this.#endIfRead();
      return !this.#isBlocked;
    });
    this.#heartbeat = setInterval(() => this.write([HEARTBEAT]), HEARTBEAT_MS);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Each text is whole events. Who reads too slowly is disconnected. */
  write(texts: readonly string[]): void {
    if (this.#isOver || this.#outbox.pushAll(texts)) return;
    this.#options.onSlow();
    // What waits in the socket is lost with it.
    this.closed();
    this.#response.close();
  }

  /** Ends the stream once its reader has all of it, `last` included. */
  finish(last: string): void {
    this.write([last]);
    this.#isEnding = true;
    this.#endIfRead();
  }

  /** Ends the stream at once; what waits for a slow reader is left out. */
  end(last = ""): void {
    if (this.#isOver) return;
    this.closed();
    // Not told to close the connection: the header that says so would come in the midst of a body.
    this.#response.cork(() => this.#response.end(last));
  }

  /** The connection is gone: nothing touches it from here on. */
  closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#outbox.close();
    this.#options.onClosed();
  }

  #endIfRead(): void {
    if (!this.#isEnding || this.#isOver) return;
    if (this.#outbox.isEmpty) this.end();
    // A socket that is full tells when it has room again.
    else if (!this.#isBlocked) setImmediate(() => this.#endIfRead());
  }

  #send(text: string | ArrayBuffer): number {
    this.#isBlocked = !this.#response.write(text);
    return this.#isBlocked ? 0 : 1;
  }
}
