import type { Brake } from "../brake/brake.ts";
import type { ContextVersion } from "../session/context-version.ts";
import type { SessionId, TurnId } from "../shared/id.ts";
import type { QueuedTurn } from "./turn-log.ts";

/** What a run looks at between its steps. Rejects with `Fault` `STORE_UNAVAILABLE`. */
export interface TurnControls {
  /** All of it as of one moment, from the store itself. */
  read(turn: RunningTurn): Promise<TurnControlsNow>;
}

export interface RunningTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
}

export interface TurnControlsNow {
  /** Somebody has stopped all agents. */
  readonly brake: Brake | undefined;
  /** Messages that came since and may join, oldest first. */
  readonly steering: readonly QueuedTurn[];
  readonly contextVersion: ContextVersion;
}
