/** Allows `most` attempts of each key in a window of `windowMs`; windows begin for all at once. */
export function createRateLimit({ most, windowMs }: RateLimitOptions): RateLimit {
  const attempts = new Map<string, number>();
  let endsAtMs = 0;
  return function takeAttempt(key, nowMs) {
    if (nowMs >= endsAtMs) {
      attempts.clear();
      endsAtMs = nowMs + windowMs;
    }
    const made = attempts.get(key) ?? 0;
    if (made >= most) return { kind: "limited", retryAfterMs: Math.ceil(endsAtMs - nowMs) };
    attempts.set(key, made + 1);
    return { kind: "allowed" };
  };
}

export interface RateLimitOptions {
  readonly most: number;
  readonly windowMs: number;
}

/** Counts one attempt of `key` at `nowMs`, milliseconds of a clock that never goes back. */
export type RateLimit = (
  key: string,
  nowMs: number,
) => { readonly kind: "allowed" } | { readonly kind: "limited"; readonly retryAfterMs: number };
