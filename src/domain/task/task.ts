import type { Failure } from "../shared/fault.ts";
import type { TaskId, ToolCallId, TurnId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";

/** One execution of a skill's tool, as people see it. */
export interface Task {
  readonly id: TaskId;
  readonly turnId: TurnId;
  readonly toolCallId: ToolCallId;
  readonly skill: string;
  readonly tool: string;
  readonly skillDigest: string;
  readonly policyHash: string;
  readonly input: JsonValue;
  readonly state: TaskState;
  readonly createdAtMs: number;
}

export type TaskState =
  | { readonly kind: "running"; readonly startedAtMs: number }
  | {
      readonly kind: "completed";
      readonly endedAtMs: number;
      readonly output: JsonValue;
      readonly usage: TaskUsage;
    }
  | {
      readonly kind: "failed" | "cancelled" | "timed-out";
      readonly endedAtMs: number;
      readonly failure: Failure;
      readonly usage: TaskUsage;
    };

/** What one call took: milliseconds of wall and CPU time, MiB at the peak, bytes of output. */
export interface TaskUsage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryMiB: number;
  readonly outputBytes: number;
}

export const NO_USAGE: TaskUsage = { wallMs: 0, cpuMs: 0, memoryMiB: 0, outputBytes: 0 };

/** running -> failed, for a call that was never made or never answered. */
export function failTask(task: Task, failure: Failure, nowMs: number): Task {
  return { ...task, state: { kind: "failed", endedAtMs: nowMs, failure, usage: NO_USAGE } };
}
