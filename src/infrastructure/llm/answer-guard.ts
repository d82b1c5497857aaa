import type { ModelLimits } from "./model-limits.ts";

/** Why an answer was given up. */
export type Expiry = { readonly kind: "stalled" | "too-slow"; readonly limitMs: number };

/** For what has come and could not be read yet. */
const GRACE_MS = 20;

type Times = Pick<ModelLimits, "firstTokenMs" | "betweenTokensMs" | "totalMs">;

/**
 * A signal that aborts with its caller's, or when an answer makes no progress for too long or takes
 * too long in all. Progress is what the model says: a service that only keeps the line open, or
 * sends a byte now and then, makes none. While the reader is at work no time is counted against
 * progress.
 */
export class AnswerGuard {
  readonly #abort = new AbortController();
  readonly #caller: AbortSignal;
  readonly #times: Times;
  readonly #onAbort = () => this.#abort.abort(this.#caller.reason);
  readonly #total: NodeJS.Timeout;
  #limitMs: number;
  #dueMs: number;
  #timer: NodeJS.Timeout;
  #heldAtMs: number | undefined;
  #hasBegun = false;
  #isCheckMissed = false;
  #isLastLook = false;
  expiry: Expiry | undefined;

  constructor(caller: AbortSignal, times: Times) {
    this.#caller = caller;
    this.#times = times;
    this.#limitMs = times.firstTokenMs;
    this.#dueMs = performance.now() + times.firstTokenMs;
    this.#timer = setTimeout(() => this.#check(), times.firstTokenMs);
    this.#total = setTimeout(
      () => this.#expire({ kind: "too-slow", limitMs: times.totalMs }),
      times.totalMs,
    );
    if (caller.aborted) this.#onAbort();
    else caller.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The model said something: from now on the next thing is waited for. */
  progress(): void {
    this.#limitMs = this.#times.betweenTokensMs;
    this.#dueMs = performance.now() + this.#limitMs;
    this.#isLastLook = false;
    // One timer for the whole answer: when it fires, it looks at what is due by then.
    if (!this.#hasBegun) this.#arm(this.#limitMs);
    this.#hasBegun = true;
  }

  /** The reader has what came, and is at work with it. */
  hold(): void {
    this.#heldAtMs = performance.now();
  }

  release(): void {
    if (this.#heldAtMs !== undefined) this.#dueMs += performance.now() - this.#heldAtMs;
    this.#heldAtMs = undefined;
    if (this.#isCheckMissed) this.#check();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#total);
    this.#caller.removeEventListener("abort", this.#onAbort);
  }

  #check(): void {
    this.#isCheckMissed = this.#heldAtMs !== undefined;
    if (this.#isCheckMissed) return;
    const leftMs = this.#dueMs - performance.now();
    if (leftMs > 0) this.#arm(leftMs);
    else if (!this.#isLastLook) {
      // This thread may have been at work elsewhere while it came: what waits is read before.
      this.#isLastLook = true;
      this.#arm(GRACE_MS);
    } else this.#expire({ kind: "stalled", limitMs: this.#limitMs });
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#check(), Math.ceil(ms));
  }

  #expire(expiry: Expiry): void {
    this.expiry ??= expiry;
    this.#abort.abort();
  }
}
