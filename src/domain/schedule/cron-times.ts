import type { CronWhen } from "./schedule-when.ts";

/** Reads cron expressions. Implementations are pure: the same question has the same answer. */
export interface CronTimes {
  /** What is wrong with an expression or its time zone, as a clause; nothing where it is fine. */
  findFault(cron: CronWhen): string | undefined;
  /** The first time after `afterMs`, `undefined` where there is no more. */
  next(cron: CronWhen, afterMs: number): number | undefined;
  /** The latest times from `fromMs` to `untilMs`, both included, oldest first. */
  latest(cron: CronWhen, span: TimeSpan): readonly number[];
}

export interface TimeSpan {
  readonly fromMs: number;
  readonly untilMs: number;
  /** At most so many. */
  readonly limit: number;
}
