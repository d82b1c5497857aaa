import type {
  AcceptConversationInput,
  ContinueInput,
} from "#application/accept-conversation/accept-conversation.ts";
import type { CompactSessionResult } from "#application/build-context/compact-session.ts";
import type { CancelTaskResult } from "#application/cancel-task/cancel-task.ts";
import type { CancelTurnResult } from "#application/cancel-turn/cancel-turn.ts";
import type {
  ChooseModelInput,
  ChooseModelResult,
} from "#application/choose-model/choose-model.ts";
import type {
  FollowInput,
  FollowResult,
  FrameSink,
} from "#application/follow-session/session-hub.ts";
import type { ManageContext } from "#application/manage-context/manage-context.ts";
import type { ManageMemory } from "#application/manage-memory/manage-memory.ts";
import type { ManageTokens } from "#application/manage-tokens/manage-tokens.ts";
import type { ManageUsers } from "#application/manage-users/manage-users.ts";
import type { AcceptMessageInput, AcceptMessageResult } from "#application/ports/accept-message.ts";
import type { IdempotencyKeys } from "#application/ports/idempotency-keys.ts";
import type { SkillsThereAre } from "#application/ports/list-skills.ts";
import type { ModelChoice, ModelOverview } from "#application/ports/model-overview.ts";
import type {
  ReadMessagesInput,
  ReadMessagesResult,
} from "#application/read-session/read-session.ts";
import type { Timeline } from "#application/read-timeline/read-timeline.ts";
import type { TurnWithMessages } from "#application/read-turn/read-turn.ts";
import type { RegenerateTurnInput } from "#application/regenerate-turn/regenerate-turn.ts";
import type {
  DecideApproval,
  DecideApprovalResult,
  OwnApproval,
  RevokeApprovalResult,
} from "#application/resolve-approval/resolve-approval.ts";
import type { CredentialWatcher } from "#application/watch-credentials/credential-watch.ts";
import type { Approval } from "#domain/approval/approval.ts";
import type { ListApprovals } from "#domain/approval/approval-repository.ts";
import type { AuditVerdict } from "#domain/audit/audit-chain.ts";
import type { AuditEntry, ListAudit } from "#domain/audit/audit-log.ts";
import type { Brake } from "#domain/brake/brake.ts";
import type { Firing, FiringKey } from "#domain/schedule/firing.ts";
import type { MissedRule, Schedule, ScheduleAction } from "#domain/schedule/schedule.ts";
import type { Session } from "#domain/session/session.ts";
import type { Fork, ListSessions } from "#domain/session/session-repository.ts";
import type { ScheduleId, SessionId, TaskId, TurnId, UserId } from "#domain/shared/id.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { Task } from "#domain/task/task.ts";
import type { ListTasks } from "#domain/task/task-repository.ts";
import type { TranscriptPlace } from "#domain/transcript/transcript-repository.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { Principal } from "#domain/user/credential.ts";

/** What the gateway lets people do. Each may reject with `Fault`; none throws for bad input. */
export interface GatewayDeps extends ManageUsers, ManageTokens, ManageContext, ManageMemory {
  /** Who shows this token. */
  signIn(token: string): Promise<Principal | undefined>;
  /** A browser session for who shows this token or the secret of a login link. */
  openBrowserSession(
    secret: string,
  ): Promise<{ readonly secret: string; readonly expiresAtMs: number } | undefined>;
  findBrowserSession(secret: string): Promise<Principal | undefined>;
  /** Ends it, and what lives by it. */
  closeBrowserSession(secret: string): Promise<void>;
  /** Tells when a credential stops being good, within a second, and when its user changes. */
  watchCredential(principal: Principal, watcher: CredentialWatcher): () => void;
  /** Puts on record that somebody was turned away. */
  readonly noteDenied: (denial: Denial) => void;

  acceptMessage(input: AcceptMessageInput): Promise<AcceptMessageResult>;
  /** Takes in the last message of a conversation that its program keeps and sends as a whole. */
  acceptConversation(input: AcceptConversationInput): Promise<AcceptMessageResult>;
  /** Takes in a message that goes on from a turn. */
  continueConversation(input: ContinueInput): Promise<AcceptMessageResult>;
  /** Has the conversation known again when its program sends it with this answer. */
  rememberAnswer(
    conversation: Pick<AcceptConversationInput, "transcript" | "userId">,
    place: TranscriptPlace & { readonly answer: string },
  ): Promise<void>;
  /** The models that may be chosen, the default one first. */
  listModels(): readonly string[];
  /** Whether a model may be chosen, listed or not, or an alias of one. */
  judgeModel(name: string): ModelChoice;
  cancelTurn(input: OwnTurn): Promise<CancelTurnResult>;
  /** Has the message of a turn, or another in its place, answered anew on a branch of its own. */
  regenerateTurn(
    input: Loose<RegenerateTurnInput>,
  ): Promise<AcceptMessageResult | { readonly kind: "not-found" }>;
  /** Where the branch in use forks; nothing where the session is not this user's. */
  listBranches(input: OwnSession): Promise<readonly Fork[] | undefined>;
  useBranch(input: OwnSession & OwnTurn): Promise<"used" | "not-found">;
  findBrake(): Promise<Brake | undefined>;
  /** Stops all agents; where they are stopped, that stays as it is. */
  engageBrake(input: Engage): Promise<Brake>;
  releaseBrake(input: { readonly by: UserId }): Promise<"released" | "was-released">;
  cancelTask(input: OwnTask): Promise<CancelTaskResult>;
  /** What the models took of a turn that has ended. */
  readUsage(turnId: TurnId): Promise<TokenUsage | undefined>;
  /** A turn and its messages, oldest first. */
  readTurn(input: OwnTurn): Promise<TurnWithMessages | undefined>;
  /** What was done in a turn. */
  readTimeline(input: OwnTurn): Promise<Timeline | undefined>;
  /** Fulfilled when the turn has ended, or `signal` is aborted. */
  waitForTurn(input: OwnTurn & FollowInput, signal: AbortSignal): Promise<void>;
  /** The session's turns, latest first; nothing where the session is not this user's. */
  listTurns(input: ListTurns): Promise<readonly Turn[] | undefined>;
  /**
   * Shows what the session has after `after`, then what happens, as finished `event` frames in
   * order. `sink` may be called before the promise settles, and never after `stop()`.
   */
  followSession(input: FollowInput, sink: FrameSink): Promise<FollowResult>;
  /** Latest first. */
  listSessions(input: ListSessions): Promise<readonly Session[]>;
  findSession(input: OwnSession): Promise<Session | undefined>;
  deleteSession(input: OwnSession): Promise<"deleted" | "not-found" | "busy">;
  /** Has a session answered by another model, from its next turn on. */
  chooseModel(input: ChooseModelInput): Promise<ChooseModelResult>;
  describeModels(): ModelOverview;
  /** The latest messages, oldest first; nothing where the session is not this user's. */
  readMessages(input: ReadMessagesInput): Promise<ReadMessagesResult | undefined>;

  /** Latest first. */
  listApprovals(input: OwnApprovals): Promise<readonly Approval[]>;
  findApproval(input: OwnApproval): Promise<Approval | undefined>;
  decideApproval(input: DecideApproval): Promise<DecideApprovalResult>;
  /** Takes a grant back. */
  revokeApproval(input: OwnApproval): Promise<RevokeApprovalResult>;

  /** Puts what came before the last turn into an extract for models. */
  compactSession(input: OwnSession): Promise<CompactSessionResult>;

  /** Newest first. */
  listTasks(input: Loose<ListTasks> & { readonly userId: UserId }): Promise<readonly Task[]>;
  findTask(input: OwnTask): Promise<Task | undefined>;

  /** In the order in which they were made. */
  listSchedules(input: ListSchedules): Promise<readonly Schedule[]>;
  findSchedule(input: OwnSchedule): Promise<Schedule | undefined>;
  /** The latest times it fired for, latest first; nothing where the schedule is not this user's. */
  listFirings(input: ListFirings): Promise<readonly Firing[] | undefined>;
  createSchedule(input: CreateSchedule): Promise<CreateScheduleResult>;
  changeSchedule(input: ChangeSchedule): Promise<ChangeScheduleResult>;
  deleteSchedule(input: OwnSchedule): Promise<"deleted" | "not-found">;
  /** Fires it out of turn, as of `atMs`; again as of the same time does nothing more. */
  runSchedule(input: RunSchedule): Promise<FiringKey | undefined>;

  /** Newest first. */
  listAudit(input: Loose<ListAudit>): Promise<readonly AuditEntry[]>;
  /** Checks the whole chain. */
  verifyAudit(): Promise<AuditVerdict>;

  /** All that is measured, in Prometheus' text format. */
  renderMetrics(): Promise<string>;

  readonly idempotency: IdempotencyKeys;
  listSkills(): Promise<SkillsThereAre>;
  readiness(): { readonly isReady: boolean; readonly reasons: readonly string[] };
  readonly about: () => { readonly model: string; readonly version: string };
}

/** `T` whose optional fields may also be there and hold nothing. */
type Loose<T> = {
  readonly [Key in keyof T]: object extends Pick<T, Key> ? T[Key] | undefined : T[Key];
};

export interface Denial {
  readonly userId: UserId | undefined;
  readonly address: string;
  /** The request or frame, as "GET /api/v1/users" or "send". */
  readonly asked: string;
  readonly code: string;
}

export interface Engage {
  readonly by: UserId;
  readonly reason?: string | undefined;
}

export interface OwnSession {
  readonly userId: UserId;
  readonly sessionId: SessionId;
}

export interface OwnTurn {
  readonly userId: UserId;
  readonly turnId: TurnId;
}

export type OwnApprovals = Loose<ListApprovals> & { readonly userId: UserId };

export interface OwnTask {
  readonly userId: UserId;
  readonly taskId: TaskId;
}

export interface OwnSchedule {
  readonly userId: UserId;
  readonly scheduleId: ScheduleId;
}

export interface ListTurns extends OwnSession {
  readonly limit: number;
  /** The last one of the page before. */
  readonly before?: TurnId | undefined;
}

export interface ListSchedules {
  readonly userId: UserId;
  readonly limit: number;
  /** The last one of the page before. */
  readonly after?: ScheduleId | undefined;
}

export interface RunSchedule extends OwnSchedule {
  readonly atMs: number;
}

export interface ListFirings extends OwnSchedule {
  readonly limit: number;
}

export interface CreateSchedule extends OwnSchedule {
  readonly name: string;
  readonly when: NewWhen;
  readonly missed: MissedRule;
  readonly action: ScheduleAction;
}

/** The times of a new schedule; intervals are counted from its beginning. */
export type NewWhen =
  | { readonly kind: "cron"; readonly expression: string; readonly timeZone: string }
  | { readonly kind: "at"; readonly atMs: number }
  | { readonly kind: "every"; readonly everyMs: number };

export type CreateScheduleResult =
  /** Also where it was created before under the same id. */
  | { readonly kind: "created"; readonly schedule: Schedule }
  /** Not as it has to be; the message says what was expected. */
  | { readonly kind: "refused"; readonly message: string };

export interface ChangeSchedule extends OwnSchedule {
  readonly isPaused: boolean;
}

export type ChangeScheduleResult =
  | { readonly kind: "changed"; readonly schedule: Schedule }
  | { readonly kind: "not-found" }
  /** It has ended, or somebody else changed it in the same moment. */
  | { readonly kind: "conflict" };
