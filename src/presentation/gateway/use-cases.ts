import type { Message } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import type { TurnSummary } from "#domain/session/session-repository.ts";
import type { MessageId, SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { User } from "#domain/user/user.ts";

/** What the gateway lets people do. Each may reject with `Fault`; none throws for bad input. */
export interface GatewayDeps {
  acceptMessage(input: AcceptMessageInput): Promise<AcceptMessageResult>;
  cancelTurn(input: { readonly userId: UserId; readonly turnId: TurnId }): Promise<{
    readonly kind: "cancelling" | "already-ended" | "not-found";
  }>;
  /**
   * Shows what the session has after `after`, then what happens, as finished `event` frames in
   * order. `sink` may be called before the promise settles, and never after `stop()`.
   */
  followSession(input: FollowSessionInput, sink: FrameSink): Promise<FollowSessionResult>;
  /** The user whose token this is. */
  signIn(token: string): Promise<User | undefined>;
  openBrowserSession(
    user: User,
  ): Promise<{ readonly secret: string; readonly expiresAtMs: number }>;
  findBrowserSession(secret: string): Promise<User | undefined>;
  closeBrowserSession(secret: string): Promise<void>;
  /** Latest first; `beforeMs` leaves out what was changed then or later. */
  listSessions(input: {
    readonly userId: UserId;
    readonly limit: number;
    readonly beforeMs?: number;
  }): Promise<readonly Session[]>;
  deleteSession(input: {
    readonly userId: UserId;
    readonly sessionId: SessionId;
  }): Promise<"deleted" | "not-found" | "busy">;
  /** The latest messages, oldest first; nothing where the session is not this user's. */
  readMessages(input: ReadMessagesInput): Promise<ReadMessagesResult | undefined>;
  listSkills(): readonly Skill[];
  readiness(): { readonly isReady: boolean; readonly reasons: readonly string[] };
  readonly about: { readonly model: string; readonly version: string };
}

export interface AcceptMessageInput {
  readonly userId: UserId;
  readonly clientMessageId: string;
  readonly text: string;
  readonly sessionId?: SessionId;
}

export type AcceptMessageResult =
  | {
      readonly kind: "accepted";
      readonly sessionId: SessionId;
      readonly messageId: MessageId;
      readonly turnId: TurnId;
      readonly seq: number;
      readonly duplicate: boolean;
    }
  | { readonly kind: "overloaded"; readonly retryAfterMs: number }
  | { readonly kind: "not-found" }
  | { readonly kind: "conflict" };

export interface FollowSessionInput {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly after: number;
  readonly epoch?: number;
}

export type FrameSink = (frames: readonly string[]) => void;

export type FollowSessionResult =
  | { readonly kind: "following"; stop(): void }
  | { readonly kind: "not-found" };

export interface ReadMessagesInput {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly limit: number;
  readonly before?: MessageId;
}

export interface ReadMessagesResult {
  readonly messages: readonly Message[];
  readonly seq: number;
  readonly epoch: number;
  /** How the turns of these messages stand. */
  readonly turns: readonly TurnSummary[];
}

/** The part of pino that the gateway uses. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}
