import type { ToolOutcome } from "#domain/message/message.ts";
import type { SessionId, ToolCallId, TurnId, UserId } from "#domain/shared/id.ts";
import type { SkillTool } from "#domain/skill/skill.ts";
import type { Task } from "#domain/task/task.ts";
import type { ToolCallInput } from "./llm.ts";

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

/** A call that can be made: there is such a tool, and its input is JSON. */
export interface PreparedCall {
  readonly kind: "prepared";
  readonly tool: SkillTool;
  /** The task as it is before the call. */
  readonly task: Task;
}

/** Makes the calls that a model asks for. */
export interface ToolRunner {
  /** Turns a call into a task, or says why there is nothing to call. */
  prepare(turn: CallingTurn, call: ToolCall): PreparedCall | (ToolOutcome & { kind: "error" });
  /**
   * Runs the task of a prepared call; gives the outcome and the task as it ended. A skill's
   * misbehaviour is an outcome; rejects with `Fault` only. Ends within 50 ms of `signal`.
   */
  invoke(
    task: Task,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: ToolOutcome; readonly task: Task }>;
}
