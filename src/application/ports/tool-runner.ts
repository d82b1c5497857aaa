import type { ToolOutcome } from "#domain/message/message.ts";
import type { SessionId, ToolCallId, TurnId, UserId } from "#domain/shared/id.ts";
import type { Skill, SkillTool } from "#domain/skill/skill.ts";
import type { Task } from "#domain/task/task.ts";
import type { ToolCallInput } from "./llm.ts";
import type { ToolDecision, ToolRequest } from "./tool-source.ts";

/** A call as a model asked for it. */
export interface ToolCall {
  readonly toolCallId: ToolCallId;
  /** `<skill>.<tool>`; there may be no such tool. */
  readonly name: string;
  readonly input: ToolCallInput;
}

/** The turn that a call belongs to. */
export interface CallingTurn {
  readonly turnId: TurnId;
  readonly sessionId: SessionId;
  readonly userId: UserId;
}

/** A call that can be made: there is such a tool, its input fits, and no policy denies it. */
export interface PreparedCall {
  readonly kind: "prepared";
  readonly tool: SkillTool;
  /** The task as it is before the call. */
  readonly task: Task;
  /** Whether it may be made as it is or a person has to be asked. */
  readonly decision: Exclude<ToolDecision, { kind: "deny" }>;
}

export type PrepareResult = PreparedCall | (ToolOutcome & { readonly kind: "error" });

/** Makes the calls that a model asks for, whatever source their tools are from. */
export interface ToolRunner {
  /** Tools of all sources. Of two skills with one name the earlier source's counts. */
  listSkills(): readonly Skill[];
  /** Turns a call into a task, or says why it is not made. */
  prepare(turn: CallingTurn, call: ToolCall): PrepareResult;
  /** What policy says of a call, as the source of its tool does. */
  decide(request: ToolRequest): ToolDecision;
  /**
   * Runs the task of a prepared call; gives the outcome and the task as it ended. A skill's
   * misbehaviour is an outcome; rejects with `Fault` only. Ends within 50 ms of `signal`.
   */
  invoke(task: Task, signal: AbortSignal): Promise<EndedCall>;
}

export interface EndedCall {
  readonly outcome: ToolOutcome;
  readonly task: Task;
  /** As `SourceResult` has it. */
  readonly untrusted?: string | undefined;
}
