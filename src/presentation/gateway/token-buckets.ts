export interface TokenBucketOptions {
  /** How many a minute brings, and how many may come at once after a quiet minute. */
  readonly perMinute: number;
  /** Beyond so many keys the one that was quiet longest is forgotten. */
  readonly maxKeys?: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

const MINUTE_MS = 60_000;

/** A bucket of tokens for each key, filled again as time goes by. */
export class TokenBuckets {
  readonly #perMinute: number;
  readonly #maxKeys: number;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor({ perMinute, maxKeys = 20_000 }: TokenBucketOptions) {
    this.#perMinute = perMinute;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes one token of `key` at `nowMs`, milliseconds of a clock that never goes back. Where there
   * is none: in how many milliseconds there is one again.
   */
  take(key: string, nowMs: number): number | undefined {
    const retryAfterMs = this.missing(key, nowMs);
    if (retryAfterMs === undefined) this.charge(key, nowMs);
    return retryAfterMs;
  }

  /** Whether there is no token: in how many milliseconds there is one again. */
  missing(key: string, nowMs: number): number | undefined {
    const { tokens } = this.#refilled(key, nowMs);
    if (tokens >= 1) return undefined;
    return Math.ceil(((1 - tokens) * MINUTE_MS) / this.#perMinute);
  }

  /** How many there are; below nothing where some are owed. */
  left(key: string, nowMs: number): number {
    return this.#refilled(key, nowMs).tokens;
  }

  /**
   * Takes one token, also where there is none: then so many more must come in first, at most a
   * minute's worth.
   */
  charge(key: string, nowMs: number): void {
    const { tokens } = this.#refilled(key, nowMs);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: Math.max(tokens - 1, -this.#perMinute), atMs: nowMs });
    if (this.#buckets.size > this.#maxKeys) this.#forgetOldest();
  }

  #refilled(key: string, nowMs: number): Bucket {
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: this.#perMinute, atMs: nowMs };
    const earned = ((nowMs - atMs) * this.#perMinute) / MINUTE_MS;
    return { tokens: Math.min(this.#perMinute, tokens + earned), atMs: nowMs };
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
