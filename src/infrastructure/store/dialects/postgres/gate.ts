import { Fault } from "#domain/shared/fault.ts";

interface Waiting {
  readonly sinceMs: number;
  readonly settle: PromiseWithResolvers<void>;
}

export interface GateOptions {
  /** So much work goes on at a time, the rest waits in the order in which it came. */
  readonly width: number;
  /** Work that waited for longer is not begun any more. */
  readonly waitMs: number;
}

/** Lets a bounded amount of work go on at a time. What goes on must end by itself. */
export class Gate {
  readonly #options: GateOptions;
  #inside = 0;
  readonly #waiting: Waiting[] = [];

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Rejects as `work` does, and with `Fault` `STORE_UNAVAILABLE` after too long a wait. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#options.width) this.#inside += 1;
    else await this.#wait();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #wait(): Promise<void> {
    const settle = Promise.withResolvers<void>();
    this.#waiting.push({ sinceMs: performance.now(), settle });
    return settle.promise;
  }

  /** Whoever goes leaves the place to the next. */
  #leave(): void {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#inside -= 1;
        return;
      }
      if (performance.now() - next.sinceMs <= this.#options.waitMs) return next.settle.resolve();
      const message = "Cannot use the Postgres database: too much waits for a connection";
      next.settle.reject(new Fault("STORE_UNAVAILABLE", message));
    }
  }
}
