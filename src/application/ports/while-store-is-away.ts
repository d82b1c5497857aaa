import { Fault } from "#domain/shared/fault.ts";

const RETRY_MS = 500;

/**
 * Does `work`, again and again for as long as it rejects with `Fault` `STORE_UNAVAILABLE`: it has to
 * be harmless to do twice. Rejects as `signal` says when that is aborted between two tries, for any
 * reason or for one that `endsWait`; what is under way is waited for.
 */
export async function whileStoreIsAway<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  endsWait: (reason: unknown) => boolean = () => true,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      throwIfEnded(signal, endsWait);
      await pause(signal);
      throwIfEnded(signal, endsWait);
    }
  }
}

export function isStoreAway(error: unknown): boolean {
  return error instanceof Fault && error.code === "STORE_UNAVAILABLE";
}

/** Shorter where `signal` is aborted meanwhile. */
async function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, RETRY_MS);
  const stop = () => resolve();
  signal.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}

function throwIfEnded(signal: AbortSignal, endsWait: (reason: unknown) => boolean): void {
  if (signal.aborted && endsWait(signal.reason)) signal.throwIfAborted();
}
