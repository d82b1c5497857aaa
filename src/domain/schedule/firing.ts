import type { Failure } from "../shared/fault.ts";
import type { ScheduleId, TaskId, TurnId } from "../shared/id.ts";

export interface FiringKey {
  readonly scheduleId: ScheduleId;
  readonly dueAtMs: number;
}

/** One time of one schedule, on record before anything is done about it. */
export interface Firing extends FiringKey {
  /** When it was put on record. */
  readonly firedAtMs: number;
  /** How long after its time it was begun; `undefined` before. */
  readonly lateMs: number | undefined;
  readonly state: FiringState;
}

export type FiringState =
  | { readonly kind: "waiting" }
  /** A skill is being called; `attempt` fences the call that owns the firing. */
  | {
      readonly kind: "running";
      readonly startedAtMs: number;
      readonly attempt: number;
      readonly taskId: TaskId;
    }
  /** Carried out: there is a turn, or a task that ended. */
  | {
      readonly kind: "done";
      readonly endedAtMs: number;
      readonly result: FiringResult;
    }
  | { readonly kind: "failed"; readonly endedAtMs: number; readonly failure: Failure }
  /** The schedule was paused before the firing began. */
  | { readonly kind: "left-out"; readonly endedAtMs: number };

export type FiringResult =
  | { readonly kind: "turn"; readonly turnId: TurnId }
  | { readonly kind: "task"; readonly taskId: TaskId };

/**
 * A name that only this firing has, in the form of an id: the client message id of its turn, so
 * that carrying it out twice makes one turn, and the key of its job.
 */
export function firingName({ scheduleId, dueAtMs }: FiringKey): string {
  return `${scheduleId}-${dueAtMs.toString(36)}`;
}
