import type { ImagePart } from "#domain/message/message.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { AcceptedMessage, AcceptResult } from "#domain/turn/turn-log.ts";

/** Takes a message in, as any of a user's: see `createAcceptMessage`. */
export type AcceptMessage<Result = AcceptMessageResult> = (
  input: AcceptMessageInput,
) => Promise<Result>;

/** Checked by the channel: the id is 1 to 64 of `A-Za-z0-9_-`, the text 1 to 32,768 characters. */
export interface AcceptMessageInput {
  readonly userId: UserId;
  readonly clientMessageId: string;
  readonly text: string;
  /** Left out: a new session. */
  readonly sessionId?: SessionId | undefined;
  /** The id of that new session, where it is to have a certain one. */
  readonly newSessionId?: SessionId | undefined;
  /** Pictures that belong to the text. */
  readonly images?: readonly ImagePart[] | undefined;
  /** What is to become of it where a turn of the session is unfinished; left out: it waits. */
  readonly mode?: MessageMode | undefined;
  /** The turn that it goes on from, as `AcceptTurn` has it. */
  readonly parentTurnId?: TurnId | null | undefined;
  /** Another model than the session's, for this message alone. */
  readonly model?: string | undefined;
}

/**
 * `queue`: it is answered when what was sent before it is. `steer`: the turn that runs takes it in
 * at its next step, or else it waits. `interrupt`: the turn that runs is cancelled, then it waits.
 */
export type MessageMode = "queue" | "steer" | "interrupt";

export type AcceptMessageResult =
  | AcceptedMessage
  | Exclude<AcceptResult, { kind: "accepted" | "outdated-id" }>
  | { readonly kind: "overloaded"; readonly retryAfterMs: number };
