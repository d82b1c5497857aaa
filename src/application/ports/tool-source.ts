import type { ToolOutcome } from "#domain/message/message.ts";
import type { SessionId, TaskId, TurnId, UserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TaskUsage } from "#domain/task/task.ts";

/** Where tools come from: the sandbox, MCP servers, the agent's own. */
export interface ToolSource {
  /** What may be called, by name. */
  listSkills(): readonly Skill[];
  /** What policy says of a call before it is made. Does not wait and has no effect. */
  decide(request: ToolRequest): ToolDecision;
  /**
   * Makes one call. A tool's misbehaviour is an outcome, never an error; rejects with `Fault`
   * only. Ends within 50 ms of `signal` with the outcome `cancelled`.
   */
  invoke(call: SourceCall, signal: AbortSignal): Promise<SourceResult>;
}

export interface ToolRequest {
  readonly skill: string;
  readonly tool: string;
  readonly userId: UserId;
  /** None for a call that belongs to no session, as a schedule's. */
  readonly sessionId?: SessionId | undefined;
}

export type ToolDecision =
  | { readonly kind: "allow"; readonly facts: CallFacts }
  | {
      readonly kind: "deny";
      /** The line that decided. */
      readonly rule: string;
      /** None where no policy was asked. */
      readonly policyHash?: string | undefined;
      readonly message: string;
    }
  /** A person has to be asked. */
  | {
      readonly kind: "ask";
      readonly facts: CallFacts;
      /** For how long the question stands. */
      readonly expiresInMs: number;
      readonly reason: string;
    };

/** What is known of a call before it is made, from policy and manifest. */
export interface CallFacts {
  /** The line that decided. */
  readonly rule: string;
  readonly policyHash: string;
  /** What it may reach, a line each, for people. */
  readonly reaches: readonly string[];
  /** It can carry something out: it says so, or what it was granted lets it. */
  readonly actsOutside: boolean;
  /** What comes back was written by strangers. */
  readonly bringsUntrusted: boolean;
  /** What comes back, or what the tool can use, is private. */
  readonly holdsPrivate: boolean;
}

export interface SourceCall {
  /** Names the call in the records of the source too. */
  readonly taskId: TaskId;
  readonly skill: string;
  readonly tool: string;
  readonly input: JsonValue;
  readonly userId: UserId;
  readonly sessionId?: SessionId | undefined;
  readonly turnId?: TurnId | undefined;
}

export interface SourceResult {
  readonly outcome: ToolOutcome;
  readonly usage: TaskUsage;
  readonly skillDigest: string;
  readonly policyHash: string;
  /** Who is said to have written what came back, where strangers did and `CallFacts` could not know. */
  readonly untrusted?: string;
}
