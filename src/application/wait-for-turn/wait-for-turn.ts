import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import { isFinal, type Turn } from "#domain/turn/turn.ts";

export interface WaitForTurnDeps {
  readonly findTurn: (turnId: TurnId) => Promise<Turn | undefined>;
  readonly followSession: (
    input: Omit<WaitForTurn, "turnId">,
    sink: (frames: readonly string[]) => void,
  ) => Promise<{ readonly kind: "following"; stop(): void } | { readonly kind: "not-found" }>;
  /** Whether a frame may be one that shows the end of a turn. */
  readonly mayEndTurn: (frame: string) => boolean;
}

export interface WaitForTurn {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  /** A position in the session's log before the turn. */
  readonly after: number;
}

/** The end of a turn may be shown a moment before it is stored. */
const SETTLE_MS = 25;
/** For what was shown where nobody told us. */
const LOOK_EVERY_MS = 1_000;

/** Fulfilled once the turn has ended, waits for people or is gone, or `signal` is aborted. Rejects with `Fault`. */
export function createWaitForTurn({ findTurn, followSession, mayEndTurn }: WaitForTurnDeps) {
  return async function waitForTurn(input: WaitForTurn, signal: AbortSignal): Promise<void> {
    let wake: () => void = () => undefined;
    let woken = new Promise<void>((resolve) => (wake = resolve));
    const followed = await followSession(input, (frames) => {
      if (frames.some(mayEndTurn)) wake();
    });
    if (followed.kind === "not-found") return;
    try {
      while (!signal.aborted) {
        const turn = await findTurn(input.turnId);
        if (turn === undefined || isFinal(turn.state) || turn.state.kind === "waiting") return;
        await firstOf(woken, LOOK_EVERY_MS, signal);
        woken = new Promise<void>((resolve) => (wake = resolve));
        await firstOf(woken, SETTLE_MS, signal);
      }
    } finally {
      followed.stop();
    }
  };
}

/** Waits for `event`, but no longer than `mostMs` nor past the end of `signal`. */
async function firstOf(event: Promise<void>, mostMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, mostMs);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort);
  void event.then(resolve);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", onAbort);
}
