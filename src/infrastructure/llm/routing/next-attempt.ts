import type { Fault, FaultCode } from "#domain/shared/fault.ts";

/** An attempt that failed, and what there would be left to try. */
export interface FailedAttempt {
  readonly fault: Pick<Fault, "code" | "retryAfterMs">;
  /** How often this model has been repeated already. */
  readonly retries: number;
  /** The service was asked: it was no limit of our own that turned the attempt away. */
  readonly wasMade: boolean;
  /** Another key of the provider can be used at once. */
  readonly hasKey: boolean;
  /** Another model comes after this one. */
  readonly hasFallback: boolean;
}

export interface RetryLimits {
  readonly retries: number;
  readonly waitMs: number;
  readonly maxWaitMs: number;
}

export type NextAttempt =
  /** The same model again. */
  | { readonly kind: "retry"; readonly waitMs: number }
  /** The same model with another key, at once. */
  | { readonly kind: "next-key" }
  | { readonly kind: "fallback" }
  | { readonly kind: "give-up" };

/**
 * What follows a failed attempt. `random` is from 0 up to 1: waits are spread over all of their
 * range, so that those who failed together do not come back together.
 */
export function planNext(
  failed: FailedAttempt,
  limits: RetryLimits,
  random: () => number,
): NextAttempt {
  const { fault, hasKey, hasFallback, wasMade } = failed;
  const plan = PLANS[fault.code];
  if (plan === undefined || plan === "give-up") return { kind: "give-up" };
  if ((plan === "key" || plan === "pause") && wasMade && hasKey) return { kind: "next-key" };
  const elsewhere = hasFallback ? ({ kind: "fallback" } as const) : undefined;
  if (plan === "key") return elsewhere ?? { kind: "give-up" };
  // What has taken its whole time already, or is paused, is not waited for where another can do it.
  if (plan === "elsewhere" && elsewhere !== undefined) return elsewhere;
  const waitMs = waitFor(failed, limits, random);
  if (waitMs !== undefined) return { kind: "retry", waitMs };
  return elsewhere ?? { kind: "give-up" };
}

/** `undefined`: not again, or not in time. */
function waitFor(
  { fault, retries, wasMade }: FailedAttempt,
  limits: RetryLimits,
  random: () => number,
): number | undefined {
  if (retries >= limits.retries) return undefined;
  const { retryAfterMs } = fault;
  if (retryAfterMs === undefined && !wasMade) return undefined;
  const mostMs = Math.min(limits.maxWaitMs, limits.waitMs * 2 ** retries);
  const spreadMs = Math.round(random() * mostMs);
  if (retryAfterMs === undefined) return spreadMs;
  if (retryAfterMs > limits.maxWaitMs) return undefined;
  return Math.max(retryAfterMs, spreadMs);
}

/**
 * `key`: the key is at fault. `pause`: the service wants a pause. `again`: it may work the next
 * time. `elsewhere`: the same, but rather with another model. `give-up`: no model would do better,
 * or nobody can tell. What is not among these is not a model's failure.
 */
const PLANS: { readonly [code in FaultCode]?: Plan } = {
  LLM_UNAUTHORIZED: "key",
  CONFIG_INVALID: "key",
  LLM_RATE_LIMITED: "pause",
  LLM_UNAVAILABLE: "again",
  LLM_BAD_ANSWER: "again",
  LLM_TIMEOUT: "elsewhere",
  LLM_PAUSED: "elsewhere",
  LLM_REFUSED: "give-up",
};

type Plan = "key" | "pause" | "again" | "elsewhere" | "give-up";
