import { createHash } from "node:crypto";
import type { UserId } from "#domain/shared/id.ts";
import { OpenAttempts } from "./open-attempts.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** All a minute; 0 is no limit. */
export interface RateLimitOptions {
  /** Of one user, and of one address. */
  readonly requests: number;
  /** Of one user, and of one address. */
  readonly messages: number;
  /** Failed ones of one address. */
  readonly signIns: number;
  /** Failed ones of all addresses. */
  readonly signInsInAll: number;
}

export const DEFAULT_RATE_LIMITS: RateLimitOptions = {
  requests: 60_000,
  messages: 60_000,
  signIns: 10,
  signInsInAll: 600,
};

export interface RateLimits {
  /** Counts a request. Where it is one too many: in how many milliseconds there is room again. */
  takeRequest(by: Requester): number | undefined;
  /** The same for a message to be accepted. */
  takeMessage(by: Requester): number | undefined;
  /**
   * Asks `find` whose this secret is, unless too many wrong ones came before. A secret that was
   * right a while ago is looked up in any case: others' mistakes do not lock its owner out.
   */
  signIn<T>(attempt: SignInAttempt<T>): Promise<SignInResult<T>>;
}

/** Each part that is given is counted by itself. */
export interface Requester {
  readonly address?: string;
  readonly userId?: UserId;
}

export interface SignInAttempt<T> {
  readonly address: string;
  readonly secret: string;
  readonly find: (secret: string) => Promise<T | undefined>;
}

export type SignInResult<T> =
  | { readonly kind: "signed-in"; readonly value: T }
  | { readonly kind: "refused" }
  | { readonly kind: "limited"; readonly retryAfterMs: number };

const EVERYBODY = "everybody";
const MAX_KNOWN = 10_000;

/** Counts what comes in at this instance; in memory, and no more of it than is bounded. */
export function createRateLimits(options: RateLimitOptions, nowMs: () => number): RateLimits {
  const requests = createCounter(options.requests, nowMs);
  const messages = createCounter(options.messages, nowMs);
  const signIns = createCounter(options.signIns, nowMs);
  const signInsInAll = createCounter(options.signInsInAll, nowMs);
  /** Hashes of secrets that were right, the latest last. */
  const known = new Set<string>();
  const attempts = new OpenAttempts({
    missing: (address) => signIns.missing(address) ?? signInsInAll.missing(EVERYBODY),
    left: (address) => signIns.left(address),
  });

  const takeBoth = (counter: Counter, { address, userId }: Requester) =>
    (address === undefined ? undefined : counter.take(`address ${address}`)) ??
    (userId === undefined ? undefined : counter.take(`user ${userId}`));

  return {
    takeRequest: (by) => takeBoth(requests, by),
    takeMessage: (by) => takeBoth(messages, by),
    async signIn({ address, secret, find }) {
      const hash = createHash("sha256").update(secret).digest("base64url");
      const attempt = known.has(hash) ? undefined : await attempts.enter(address, hash);
      if (typeof attempt === "number") return { kind: "limited", retryAfterMs: attempt };
      try {
        const value = await find(secret);
        const wasKnown = known.delete(hash);
        if (value === undefined) {
          // The same one again tells nothing more.
          if (attempt?.isOpen ?? wasKnown) countFailure(address);
          return { kind: "refused" };
        }
        remember(hash);
        return { kind: "signed-in", value };
      } finally {
        attempt?.settle();
      }
    },
  };

  /** Beyond its own limit an address uses up nothing of what all share. */
  function countFailure(address: string): void {
    const isWithinOwn = signIns.missing(address) === undefined;
    signIns.charge(address);
    if (isWithinOwn) signInsInAll.charge(EVERYBODY);
  }

  function remember(hash: string): void {
    known.add(hash);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  }
}

interface Counter {
  take(key: string): number | undefined;
  missing(key: string): number | undefined;
  left(key: string): number;
  charge(key: string): void;
}

const UNLIMITED: Counter = {
  take: () => undefined,
  missing: () => undefined,
  left: () => Infinity,
  charge: () => undefined,
};

function createCounter(perMinute: number, nowMs: () => number): Counter {
  if (perMinute === 0) return UNLIMITED;
  const buckets = new TokenBuckets({ perMinute });
  return {
    take: (key) => buckets.take(key, nowMs()),
    missing: (key) => buckets.missing(key, nowMs()),
    left: (key) => buckets.left(key, nowMs()),
    charge: (key) => buckets.charge(key, nowMs()),
  };
}
