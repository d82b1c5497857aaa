export interface StallLimits {
  readonly firstTokenMs?: number;
  readonly betweenTokensMs?: number;
}

/** A signal that aborts with its caller's, or when an answer makes no progress for too long. */
export interface StallGuard {
  readonly signal: AbortSignal;
  /** How long it had been waited when the guard gave up. */
  readonly stalledForMs: number | undefined;
  /** Something came: stop the clock while it is dealt with. */
  pause(): void;
  /** Wait for the next. */
  resume(): void;
}

export function createStallGuard(
  signal: AbortSignal,
  { firstTokenMs = 60_000, betweenTokensMs = 60_000 }: StallLimits = {},
): StallGuard {
  const stall = new AbortController();
  let stalledForMs: number | undefined;
  const start = (limitMs: number) =>
    setTimeout(() => {
      stalledForMs = limitMs;
      stall.abort();
    }, limitMs);
  let timer = start(firstTokenMs);
  return {
    signal: AbortSignal.any([signal, stall.signal]),
    get stalledForMs() {
      return stalledForMs;
    },
    pause: () => clearTimeout(timer),
    resume: () => {
      clearTimeout(timer);
      timer = start(betweenTokensMs);
    },
  };
}
