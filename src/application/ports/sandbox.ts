import type { ToolOutcome } from "#domain/message/message.ts";
import type { TaskId, UserId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TaskUsage } from "#domain/task/task.ts";

/** Runs tools of installed skills where they can do no harm. */
export interface Sandbox {
  /** Skills that may be called, by name. */
  listSkills(): readonly Skill[];
  /**
   * Runs one call. A skill's misbehaviour is an outcome, never an error; rejects with `Fault`
   * only. Ends within 50 ms of `signal` with the outcome `cancelled`.
   */
  invoke(call: SandboxCall, signal: AbortSignal): Promise<SandboxResult>;
}

export interface SandboxCall {
  /** Names the call in the records of the sandbox too. */
  readonly taskId: TaskId;
  readonly skill: string;
  readonly tool: string;
  readonly input: JsonValue;
  readonly userId: UserId;
}

export interface SandboxResult {
  readonly outcome: ToolOutcome;
  readonly usage: TaskUsage;
  readonly skillDigest: string;
  readonly policyHash: string;
}
