export interface BreakerLimits {
  /** So many failures */
  readonly failures: number;
  /** in so long a time */
  readonly withinMs: number;
  /** have it left alone for so long. */
  readonly pauseMs: number;
}

export const BREAKER_STATES = ["closed", "open", "half-open"] as const;
export type BreakerState = (typeof BREAKER_STATES)[number];

type State =
  | { readonly kind: "closed"; readonly failedAtMs: readonly number[] }
  | { readonly kind: "open"; readonly untilMs: number }
  /** One attempt is let through to see; the others go on being turned away. */
  | { readonly kind: "probing"; readonly untilMs: number };

const CLOSED: State = { kind: "closed", failedAtMs: [] };

/** Leaves a model alone that failed too often of late, until one attempt gets through to it. */
export class Breaker {
  #state: State = CLOSED;
  /** Attempts that are under way. */
  #inside = 0;

  /** Open while it turns all attempts away, half-open where one is or would be let through to see. */
  stateAt(nowMs: number): BreakerState {
    const state = this.#state;
    if (state.kind === "closed") return "closed";
    return state.kind === "open" && nowMs < state.untilMs ? "open" : "half-open";
  }

  /**
   * How much is lost where it is forgotten: 0, nothing, as it is closed, without failures of late and
   * without an attempt under way; 1, something of this; 2, it is half-open; 3, it is open.
   */
  worthAt(nowMs: number, { withinMs }: BreakerLimits): number {
    const state = this.#state;
    if (state.kind !== "closed") return this.stateAt(nowMs) === "open" ? 3 : 2;
    const hasFailed = state.failedAtMs.some((atMs) => nowMs - atMs < withinMs);
    return hasFailed || this.#inside > 0 ? 1 : 0;
  }

  /**
   * How long the model is to be left alone still; 0: make the attempt, tell how it ended, and call
   * `left`.
   */
  enter(nowMs: number, { pauseMs }: BreakerLimits): number {
    const state = this.#state;
    if (state.kind !== "closed" && nowMs < state.untilMs) return state.untilMs - nowMs;
    this.#inside += 1;
    if (state.kind === "closed") return 0;
    // A probe of which nothing is heard is given up after as long as the pause was.
    this.#state = { kind: "probing", untilMs: nowMs + pauseMs };
    return 0;
  }

  succeeded(): void {
    this.#state = CLOSED;
  }

  failed(nowMs: number, { failures, withinMs, pauseMs }: BreakerLimits): void {
    const state = this.#state;
    if (state.kind !== "closed") {
      this.#state = { kind: "open", untilMs: nowMs + pauseMs };
      return;
    }
    const recent = state.failedAtMs.filter((atMs) => nowMs - atMs < withinMs);
    const failedAtMs = [...recent, nowMs];
    const isTooMany = failedAtMs.length >= failures;
    this.#state = isTooMany
      ? { kind: "open", untilMs: nowMs + pauseMs }
      : { kind: "closed", failedAtMs };
  }

  /** An attempt is over. Where it was given up before it showed anything, another one may see. */
  left(nowMs: number): void {
    this.#inside -= 1;
    if (this.#state.kind === "probing") this.#state = { kind: "open", untilMs: nowMs };
  }
}
