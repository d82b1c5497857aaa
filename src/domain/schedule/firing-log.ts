import type { ScheduleId, TaskId } from "../shared/id.ts";
import type { Task } from "../task/task.ts";
import type { Firing, FiringKey, FiringState } from "./firing.ts";
import type { Schedule } from "./schedule.ts";

/**
 * The firings of schedules: which there were and what became of them. Each write is one
 * transaction.
 */
export interface FiringLog {
  /**
   * Fires the schedules whose time has come, those that are due longest first: each firing is
   * stored together with its job and the schedule's next time. Any number of instances may call
   * this at once; each time of a schedule fires once.
   */
  fireDue(input: FireDue): Promise<FireDueResult>;
  /**
   * Fires a schedule out of turn, in whatever state it is; `undefined` where there is none. The
   * same time again is the same firing.
   */
  fireNow(input: FireNow): Promise<FiringKey | undefined>;
  /** A firing with its schedule. */
  find(key: FiringKey): Promise<FoundFiring | undefined>;
  /** The latest firings of a schedule, latest first. */
  list(scheduleId: ScheduleId, limit: number): Promise<readonly Firing[]>;
  /**
   * Puts on record that a skill is about to be called: waiting or running -> running as attempt
   * number `attempt`. False where the firing is at another attempt, ended or gone: then the call
   * is somebody else's.
   */
  beginCall(input: BeginCall): Promise<boolean>;
  /**
   * Takes back a call that was not made: running -> waiting, and its task is gone. False where the
   * firing is not at that attempt, then nothing was stored.
   */
  withdrawCall(input: WithdrawCall): Promise<boolean>;
  /** Ends a firing that is at `attempt`; false where it is not, then nothing was stored. */
  end(input: EndFiring): Promise<boolean>;
}

export interface FireDue {
  readonly nowMs: number;
  /** How many schedules at most. */
  readonly limit: number;
}

export interface FireDueResult {
  readonly fired: readonly FiringKey[];
  /** Schedules of which times were left out. */
  readonly leftOut: readonly ScheduleId[];
  /** The earliest next time of all active schedules, `undefined` where there are none. */
  readonly nextAtMs: number | undefined;
}

export interface FireNow extends FiringKey {
  readonly nowMs: number;
}

export interface FoundFiring {
  readonly firing: Firing;
  readonly schedule: Schedule;
}

export interface BeginCall {
  readonly key: FiringKey;
  /** From 1; the one before must be the firing's latest. */
  readonly attempt: number;
  readonly task: Task;
  readonly nowMs: number;
}

export interface WithdrawCall {
  readonly key: FiringKey;
  readonly attempt: number;
  /** The task with which the call was begun. */
  readonly taskId: TaskId;
}

export interface EndFiring {
  readonly key: FiringKey;
  /** 0 where no call was begun. */
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly state: Extract<FiringState, { kind: "done" | "failed" }>;
  /** The task as it ended. */
  readonly task?: Task | undefined;
}
