import type { ScheduleId, UserId } from "../shared/id.ts";
import type { Schedule } from "./schedule.ts";

/** Schedules of all users. Reads see all writes whose promise was fulfilled. */
export interface ScheduleRepository {
  find(scheduleId: ScheduleId): Promise<Schedule | undefined>;
  /** In the order in which they were made. */
  list(input: ListSchedules): Promise<readonly Schedule[]>;
  count(userId: UserId): Promise<number>;
  add(schedule: Schedule): Promise<void>;
  /**
   * Puts `after` in place of `before`, unless the stored schedule is no longer in the state of
   * `before`: then nothing changes and the answer is false. A schedule that becomes paused takes
   * its waiting firings with it: they are left out.
   */
  change(input: ChangeSchedule): Promise<boolean>;
  /** Deletes the schedule, its firings and their tasks. False where there is none. */
  remove(scheduleId: ScheduleId): Promise<boolean>;
}

export interface ListSchedules {
  /** Of all users where left out. */
  readonly userId?: UserId | undefined;
  readonly limit: number;
  /** Only those made after this one. */
  readonly after?: ScheduleId | undefined;
}

export interface ChangeSchedule {
  readonly before: Schedule;
  readonly after: Schedule;
  readonly nowMs: number;
}
