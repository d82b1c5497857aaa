import type { Failure } from "../shared/fault.ts";
import type { ScheduleId, SessionId, TaskId, ToolCallId, TurnId, UserId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";

/** One execution of a skill's tool, as people see it. Task ids grow with time. */
export interface Task {
  readonly id: TaskId;
  /** Whose it is: the user whose turn or schedule brought it about. */
  readonly userId: UserId;
  readonly origin: TaskOrigin;
  readonly skill: string;
  readonly tool: string;
  readonly skillDigest: string;
  readonly policyHash: string;
  readonly input: JsonValue;
  readonly state: TaskState;
  readonly createdAtMs: number;
}

/** What brought a task about. */
export type TaskOrigin =
  | {
      readonly kind: "turn";
      readonly sessionId: SessionId;
      readonly turnId: TurnId;
      readonly toolCallId: ToolCallId;
    }
  /** A firing that calls a skill itself, without a turn. */
  | { readonly kind: "schedule"; readonly scheduleId: ScheduleId };

export type TaskState =
  | { readonly kind: "pending" }
  | { readonly kind: "running"; readonly startedAtMs: number }
  | FinalTaskState;

export type FinalTaskState =
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

export function isFinalTask(state: TaskState): state is FinalTaskState {
  return state.kind !== "pending" && state.kind !== "running";
}

/** pending -> running. */
export function beginTask(task: Task, nowMs: number): Task {
  assertState(task, "begin", "pending");
  return { ...task, state: { kind: "running", startedAtMs: nowMs } };
}

/** running -> a final state; a pending task can fail or be cancelled, not complete or time out. */
export function endTask(task: Task, state: FinalTaskState): Task {
  const neverRan = state.kind === "failed" || state.kind === "cancelled";
  assertState(task, "end", "running", ...(neverRan ? (["pending"] as const) : []));
  return { ...task, state };
}

/** -> failed, for a call that was never made or never answered. */
export function failTask(task: Task, failure: Failure, nowMs: number): Task {
  return endTask(task, { kind: "failed", endedAtMs: nowMs, failure, usage: NO_USAGE });
}

function assertState(task: Task, verb: string, ...expected: TaskState["kind"][]): void {
  if (expected.includes(task.state.kind)) return;
  throw new RangeError(
    `Cannot ${verb} task "${task.id}": it is "${task.state.kind}", expected ${expected.join(" or ")}`,
  );
}
