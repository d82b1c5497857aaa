import { readSync, writeSync } from "node:fs";
import type { FromHost, ToHost } from "../protocol.ts";
import { type Frame, FrameReader, parseToHost, toFrame } from "../protocol.ts";

const STDIN_FD = 0;
const STDOUT_FD = 1;
const READ_BYTES = 64 * 1024;

export interface Order {
  readonly frame: ToHost;
  readonly body: Buffer;
}

/**
 * The pipe to the supervisor, read and written by blocking system calls: nothing else happens in
 * this thread, and a wait in the kernel is the shortest there is.
 */
export class SupervisorPipe {
  readonly #reader = new FrameReader();
  readonly #read = Buffer.allocUnsafe(READ_BYTES);
  #frames: Frame[] = [];
  #next = 0;
  readonly #backlog: Order[] = [];

  /** The next order, calls that came while an answer was awaited first; waits for it. */
  next(): Order | undefined {
    return this.#backlog.shift() ?? this.#receive();
  }

  /** Waits for an order that `isWanted`; others keep for `next`. */
  await(isWanted: (frame: ToHost) => boolean): Order | undefined {
    for (;;) {
      const order = this.#receive();
      if (order === undefined || isWanted(order.frame)) return order;
      this.#backlog.push(order);
    }
  }

  send(frame: FromHost, body?: Uint8Array): void {
    const bytes = toFrame(frame, body);
    for (let at = 0; at < bytes.length; ) at += writeSync(STDOUT_FD, bytes, at);
  }

  /** Undefined when the supervisor is gone. */
  #receive(): Order | undefined {
    while (this.#next === this.#frames.length) {
      const count = readSync(STDIN_FD, this.#read, 0, READ_BYTES, null);
      if (count === 0) return undefined;
      // Frames point into what is pushed: the next read must not write over it.
      this.#frames = this.#reader.push(Buffer.from(this.#read.subarray(0, count)));
      this.#next = 0;
    }
    const frame = this.#frames[this.#next];
    this.#next += 1;
    return frame && { frame: parseToHost(frame.head), body: frame.body };
  }
}
