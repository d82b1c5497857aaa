import type { Message } from "../message/message.ts";
import type { SessionId, TurnId } from "../shared/id.ts";
import type { Turn } from "./turn.ts";

/** Turns as they are looked at. All reject with `Fault` `STORE_UNAVAILABLE`. */
export interface TurnReader {
  find(turnId: TurnId): Promise<Turn | undefined>;
  /** The session's turns, latest first: at most `limit` before the one named. */
  list(input: ListTurns): Promise<readonly Turn[]>;
  /** The turn that a turn goes on from; `null` where it begins the conversation. */
  findParent(turn: Pick<Turn, "id" | "sessionId">): Promise<TurnId | null>;
  /** What belongs to a turn, oldest first. */
  listMessages(turn: Pick<Turn, "id" | "sessionId">): Promise<readonly Message[]>;
}

export interface ListTurns {
  readonly sessionId: SessionId;
  readonly limit: number;
  /** The last one of the page before. */
  readonly before?: TurnId | undefined;
}
