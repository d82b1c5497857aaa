import type { SessionId, TurnId } from "#domain/shared/id.ts";
import { isFinal, type Turn } from "#domain/turn/turn.ts";
import type { TurnLog } from "#domain/turn/turn-log.ts";
import type { TurnReader } from "#domain/turn/turn-reader.ts";
import type { TurnQueued } from "../ports/turn-queued.ts";

export interface InterruptTurnDeps {
  readonly turns: Pick<TurnLog, "cancel">;
  readonly reader: Pick<TurnReader, "list">;
  /** Tells the run of a turn, wherever it is. */
  readonly stopRun: (turnId: TurnId) => void;
  readonly turnQueued: TurnQueued;
}

const PAGE = 20;

/**
 * Cancels the turn of a session that is under way, if that was accepted before `turnId`; others
 * that wait are left alone. Rejects with `Fault` `STORE_UNAVAILABLE`.
 */
export function createInterruptTurn({ turns, reader, stopRun, turnQueued }: InterruptTurnDeps) {
  return async function interruptTurn(input: {
    readonly sessionId: SessionId;
    readonly turnId: TurnId;
  }): Promise<void> {
    const { sessionId } = input;
    for (let before: TurnId | undefined = input.turnId; before !== undefined; ) {
      const page = await reader.list({ sessionId, limit: PAGE, before });
      const current = page.find(isUnderWay);
      if (current !== undefined) {
        if (await turns.cancel(current.id)) turnQueued(sessionId);
        return stopRun(current.id);
      }
      // Before the first one that has ended there are only ended ones.
      const isAll = page.length < PAGE || page.some(({ state }) => isFinal(state));
      before = isAll ? undefined : page.at(-1)?.id;
    }
  };
}

/** Begun, and not ended: also where its run died, or people have just decided, and nobody has it yet. */
function isUnderWay({ state, attempts }: Turn): boolean {
  return !isFinal(state) && attempts > 0;
}
