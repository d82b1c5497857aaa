import type { CronTimes } from "./cron-times.ts";
import { advanceSchedule, type Schedule } from "./schedule.ts";
import { latestTimes } from "./schedule-times.ts";

/** What one look at a due schedule comes to. */
export interface FiringPlan {
  /** The times to fire for, oldest first. */
  readonly dueAtMs: readonly number[];
  /** Whether times were left out by the missed-run rule or its bound. */
  readonly hasLeftOut: boolean;
  /** The schedule afterwards. */
  readonly schedule: Schedule;
}

/**
 * A time counts as missed when it is this late: longer than another instance needs to take over
 * from one that was killed.
 */
const MISSED_AFTER_MS = 30_000;

/** How many times the rule `all` makes up for at once: the latest; older ones are left out. */
export const CATCH_UP_MOST = 1_000;

/**
 * What to fire of an active schedule whose next time has come. Times that are not missed fire each.
 * Missed ones: `skip` leaves them out; `once` fires for the latest of them, unless one that is not
 * missed fires anyway; `all` fires for each, at most `CATCH_UP_MOST` in all.
 */
export function planFirings(schedule: Schedule, nowMs: number, cron: CronTimes): FiringPlan {
  const { state, when, missed } = schedule;
  if (state.kind !== "active" || state.nextAtMs > nowMs) {
    throw new RangeError(`Cannot plan firings of schedule "${schedule.id}": it is not due`);
  }
  const span = { fromMs: state.nextAtMs, untilMs: nowMs, limit: CATCH_UP_MOST + 1 };
  const due = latestTimes(when, span, cron);
  const inTime = due.filter((atMs) => nowMs - atMs <= MISSED_AFTER_MS);
  const dueAtMs = select(missed, due, inTime);
  const lastFiredAtMs = dueAtMs.at(-1);
  return {
    dueAtMs,
    hasLeftOut: dueAtMs.length < due.length,
    schedule: advanceSchedule(schedule, { nowMs, lastFiredAtMs }, cron),
  };
}

function select(
  rule: Schedule["missed"],
  due: readonly number[],
  inTime: readonly number[],
): readonly number[] {
  switch (rule) {
    case "skip":
      return inTime;
    case "once":
      return inTime.length > 0 ? inTime : due.slice(-1);
    case "all":
      return due.slice(-CATCH_UP_MOST);
    default:
      return rule satisfies never;
  }
}
