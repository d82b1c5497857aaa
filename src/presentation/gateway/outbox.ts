/** The part of a uWebSockets.js socket that the outbox uses. */
export interface Wire {
  send(frame: string | ArrayBuffer): number;
  getBufferedAmount(): number;
  cork(write: () => void): unknown;
}

/** A reader for whom more than this waits is too slow. */
const MAX_WAITING_CHARS = 1_048_576;
/** What goes beyond this waits here, where it can be thrown away, and not in the socket. */
const HIGH_WATER_BYTES = 65_536;
/** After so many frames others get their turn. */
const MAX_FRAMES_AT_ONCE = 256;

/** Writes frames in order, at the pace of the reader. */
export class Outbox {
  readonly #wire: Wire;
  #waiting: string[] = [];
  #written = 0;
  #waitingChars = 0;
  #isFlushScheduled = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Whether all that was taken is written. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Takes one frame at once where the socket is corked already; else as `pushAll([frame])`. */
  push(frame: string | ArrayBuffer): boolean {
    if (!this.isEmpty || this.#wire.getBufferedAmount() >= HIGH_WATER_BYTES) {
      return this.pushAll([typeof frame === "string" ? frame : Buffer.from(frame).toString()]);
    }
    this.#wire.send(frame);
    return true;
  }

  /**
   * Takes frames as one batch, however long, where the reader has kept up so far. False where it
   * has not: nothing is taken and the socket is to be closed.
   */
  pushAll(frames: readonly string[]): boolean {
    if (this.#waitingChars > MAX_WAITING_CHARS) return false;
    const wasIdle = this.isEmpty;
    for (const frame of frames) {
      this.#waiting.push(frame);
      this.#waitingChars += frame.length;
    }
    if (wasIdle) this.#write();
    return true;
  }

  /** Goes on where the socket has room again. Not to be called corked. */
  flush(): void {
    if (this.isEmpty || this.#wire.getBufferedAmount() >= HIGH_WATER_BYTES) return;
    this.#write();
  }

  /** Throws away what waits; the socket is not touched any more. */
  close(): void {
    this.#reset();
  }

  #write(): void {
    this.#wire.cork(() => this.#writeSome());
    if (this.#written === this.#waiting.length) this.#reset();
    else this.#flushSoon();
  }

  #writeSome(): void {
    const end = Math.min(this.#waiting.length, this.#written + MAX_FRAMES_AT_ONCE);
    while (this.#written < end && this.#wire.getBufferedAmount() < HIGH_WATER_BYTES) {
      const frame = this.#waiting[this.#written] ?? "";
      this.#wire.send(frame);
      this.#waitingChars -= frame.length;
      this.#written += 1;
    }
  }

  /** `drain` alone is not enough: uncorking may empty the socket without that event. */
  #flushSoon(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      this.flush();
    });
  }

  #reset(): void {
    this.#waiting = [];
    this.#written = 0;
    this.#waitingChars = 0;
  }
}
