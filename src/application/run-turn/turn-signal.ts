import type { Fault } from "#domain/shared/fault.ts";

/** What a signal is aborted with when a person stops the turn. */
export const CANCELLED = "cancelled";
/** What a signal is aborted with when the turn may be another run's by now. */
export const ABANDONED = "abandoned";
export function isAbandonment(reason: unknown): boolean {
  return reason === ABANDONED;
}

/** What timers can count: longer than any turn may take. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * When a run has to stop: when it is told to, or when the turn's time is up. Nothing that it waits
 * for can hold it up longer, whether or not that heeds the signal.
 */
export class TurnSignal {
  // Far cheaper for each turn than `AbortSignal.any` and `AbortSignal.timeout`.
  readonly #controller = new AbortController();
  readonly #deadline: ReturnType<typeof setTimeout>;
  readonly #waiting = new Set<(reason: unknown) => void>();
  #limit: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** `leftMs`: how long the turn may run on, until it is stopped for what `late` gives. */
  constructor(outer: AbortSignal, leftMs: number, late: () => Fault) {
    if (outer.aborted) this.#abort(outer.reason);
    else outer.addEventListener("abort", () => this.#abort(outer.reason), { once: true });
    this.#deadline = setTimeout(() => this.#abort(late()), Math.max(0, leftMs));
  }

  /** For everything that takes one. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#controller.signal.aborted;
  }

  get reason(): unknown {
    return this.#controller.signal.reason;
  }

  throwIfAborted(): void {
    this.#controller.signal.throwIfAborted();
  }

  /** What `work` comes to; rejects at once when the run has to stop, and leaves `work` to itself. */
  race<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.isAborted) {
        // Nobody hears how it comes out: a failure that nobody handles ends the thread.
        work.then(undefined, () => undefined);
        return reject(this.reason as Error);
      }
      this.#waiting.add(reject);
      work.then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          reject(error as Error);
        },
      );
    });
  }

  /** As `race`, but gives `work` so long to end by itself: `undefined` where it does not. */
  async settle<T>(work: Promise<T>, graceMs: number): Promise<T | undefined> {
    try {
      return await this.race(work);
    } catch (error) {
      if (!this.isAborted) throw error;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), graceMs);
      });
      return await Promise.race([work, late]).finally(() => clearTimeout(timer));
    }
  }

  /**
   * Has the run stop in so long at the latest, for `reason`, in place of an earlier limit; at once
   * where nothing is left.
   */
  limit(leftMs: number, reason: Fault): void {
    clearTimeout(this.#limit);
    if (this.#isClosed) return;
    if (leftMs <= 0) return this.#abort(reason);
    this.#limit = setTimeout(() => this.#abort(reason), Math.min(leftMs, LONGEST_MS));
  }

  /** Has the run stop at once, since the turn may be another run's by now. */
  abandon(): void {
    this.#abort(ABANDONED);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#deadline);
  }

  #abort(reason: unknown): void {
    if (this.isAborted) return;
    this.#controller.abort(reason);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }
}
