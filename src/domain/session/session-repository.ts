import type { Message } from "../message/message.ts";
import type { Failure } from "../shared/fault.ts";
import type { MessageId, SessionId, TurnId, UserId } from "../shared/id.ts";
import type { TurnState } from "../turn/turn.ts";
import type { NumberedEvent } from "../turn/turn-event.ts";
import type { Session } from "./session.ts";

/** Sessions and what was said in them. Reads see all writes whose promise was fulfilled. */
export interface SessionRepository {
  find(sessionId: SessionId): Promise<Session | undefined>;
  /** The user's sessions, latest first; of those changed in the same moment, the higher id. */
  list(input: ListSessions): Promise<readonly Session[]>;
  /** The latest `limit` messages (those before message `before`), oldest first. */
  listMessages(input: ListMessages): Promise<readonly Message[]>;
  /** How the turns of some messages stand, in the order of the messages. */
  listTurns(messages: readonly Pick<Message, "turnId">[]): Promise<readonly TurnSummary[]>;
  /**
   * The session, its latest messages (those before `before`) and how their turns stand, all as of
   * one moment. `undefined` where there is no such session.
   */
  readConversation(input: ListMessages): Promise<StoredConversation | undefined>;
  /** How far the logs of some sessions have come; nothing of those that are not there. */
  listHeads(sessionIds: readonly SessionId[]): Promise<readonly SessionHead[]>;
  /** The stored events after a position, at most `limit`. */
  readEvents(input: ReadEvents): Promise<ReadEventsResult>;
  /** Has the session answered by another model; `undefined`: by the default one. */
  setModel(sessionId: SessionId, model: string | undefined): Promise<"set" | "not-found">;
  /**
   * Makes the newest branch through a turn the one that the session goes on with and that
   * `listMessages` and `readConversation` show.
   */
  useBranch(input: UseBranch): Promise<"used" | "not-found">;
  /**
   * Where the branch in use forks: of each of its turns that has others beside it, all of these,
   * in the order of the conversation.
   */
  listBranches(sessionId: SessionId): Promise<readonly Fork[]>;
  /** Deletes the session and all that belongs to it, but not while a turn is unfinished. */
  delete(sessionId: SessionId): Promise<"deleted" | "not-found" | "busy">;
}

export interface ListSessions {
  readonly userId: UserId;
  readonly limit: number;
  /** The last one of the page before. */
  readonly before?: Pick<Session, "id" | "updatedAtMs"> | undefined;
}

export interface ListMessages {
  readonly sessionId: SessionId;
  readonly limit: number;
  readonly before?: MessageId;
}

export interface UseBranch {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
}

/** Turns that go on from the same one, oldest first: several answers, or versions of a message. */
export interface Fork {
  readonly turnIds: readonly TurnId[];
  /** Which of them is on the branch in use. */
  readonly inUse: TurnId;
}

/** A turn as people see it; `failure` where it failed. */
export interface TurnSummary {
  readonly id: TurnId;
  readonly state: TurnState["kind"];
  readonly failure?: Failure;
}

export interface ReadEvents {
  readonly sessionId: SessionId;
  readonly after: number;
  /** The epoch of the event at `after`, where the reader knows it. */
  readonly epoch?: number;
  readonly limit: number;
}

export type ReadEventsResult =
  | { readonly kind: "events"; readonly events: readonly StoredEvent[]; readonly isLast: boolean }
  /** The log has no such position: it was never stored, or another run's events took its place. */
  | { readonly kind: "unknown-position"; readonly headSeq: number; readonly headEpoch: number };

export interface StoredConversation {
  readonly session: Session;
  /** Oldest first. */
  readonly messages: readonly Message[];
  readonly turns: readonly TurnSummary[];
}

export interface SessionHead {
  readonly sessionId: SessionId;
  readonly headSeq: number;
  readonly headEpoch: number;
  /** The epoch of the run of its turn, where one runs now. */
  readonly runEpoch?: number;
}

export interface StoredEvent extends NumberedEvent {
  readonly turnId: TurnId;
  readonly epoch: number;
}
