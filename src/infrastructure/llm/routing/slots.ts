import type { After } from "#application/ports/clock.ts";

export interface SlotLimits {
  readonly concurrency: number;
  /** How many may wait, */
  readonly queue: number;
  /** and how long. */
  readonly queueMs: number;
}

export type SlotResult =
  /** Call `release` once, whatever comes. */
  | { readonly kind: "taken"; readonly release: () => void }
  | { readonly kind: "full"; readonly waiting: number }
  | { readonly kind: "timed-out"; readonly waitedMs: number }
  | { readonly kind: "aborted" };

interface Waiting {
  readonly enter: () => void;
}

/** Lets so many through at once; the others wait, first come, first served. */
export class Slots {
  readonly #after: After;
  #taken = 0;
  readonly #waiting = new Set<Waiting>();

  constructor(after: After) {
    this.#after = after;
  }

  /** Answers without a promise where nobody has to wait. */
  take(limits: SlotLimits, signal: AbortSignal): SlotResult | Promise<SlotResult> {
    if (signal.aborted) return { kind: "aborted" };
    if (this.#taken < limits.concurrency) return this.#enter();
    if (this.#waiting.size >= limits.queue) return { kind: "full", waiting: this.#waiting.size };
    return this.#wait(limits.queueMs, signal);
  }

  #enter(): SlotResult {
    this.#taken += 1;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      this.#taken -= 1;
      this.#letIn();
    };
    return { kind: "taken", release };
  }

  #letIn(): void {
    const [first] = this.#waiting;
    first?.enter();
  }

  #wait(queueMs: number, signal: AbortSignal): Promise<SlotResult> {
    return new Promise((resolve) => {
      const leave = (result: () => SlotResult) => {
        this.#waiting.delete(waiting);
        cancelTimer();
        signal.removeEventListener("abort", abort);
        resolve(result());
      };
      const waiting = { enter: () => leave(() => this.#enter()) };
      const abort = () => leave(() => ({ kind: "aborted" }));
      const cancelTimer = this.#after(queueMs, () => {
        leave(() => ({ kind: "timed-out", waitedMs: queueMs }));
      });
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.add(waiting);
    });
  }
}
