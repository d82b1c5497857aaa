import type {
  AcceptMessageInput,
  AcceptMessageResult,
} from "#application/accept-message/accept-message.ts";
import type { CancelTurnResult } from "#application/cancel-turn/cancel-turn.ts";
import type {
  FollowInput,
  FollowResult,
  FrameSink,
} from "#application/follow-session/session-hub.ts";
import type {
  ReadMessagesInput,
  ReadMessagesResult,
} from "#application/read-session/read-session.ts";
import type { Session } from "#domain/session/session.ts";
import type { ListSessions } from "#domain/session/session-repository.ts";
import type { SessionId, TurnId, UserId } from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { User } from "#domain/user/user.ts";

/** What the gateway lets people do. Each may reject with `Fault`; none throws for bad input. */
export interface GatewayDeps {
  acceptMessage(input: AcceptMessageInput): Promise<AcceptMessageResult>;
  cancelTurn(input: {
    readonly userId: UserId;
    readonly turnId: TurnId;
  }): Promise<CancelTurnResult>;
  /**
   * Shows what the session has after `after`, then what happens, as finished `event` frames in
   * order. `sink` may be called before the promise settles, and never after `stop()`.
   */
  followSession(input: FollowInput, sink: FrameSink): Promise<FollowResult>;
  /** The user whose token this is. */
  signIn(token: string): Promise<User | undefined>;
  openBrowserSession(
    user: User,
  ): Promise<{ readonly secret: string; readonly expiresAtMs: number }>;
  findBrowserSession(secret: string): Promise<User | undefined>;
  closeBrowserSession(secret: string): Promise<void>;
  /** Latest first; `beforeMs` leaves out what was changed then or later. */
  listSessions(input: ListSessions): Promise<readonly Session[]>;
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
