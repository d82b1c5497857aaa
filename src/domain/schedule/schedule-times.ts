import type { CronTimes, TimeSpan } from "./cron-times.ts";
import type { EveryWhen, ScheduleWhen } from "./schedule-when.ts";

/** The first time after `afterMs`, `undefined` where there is no more. */
export function nextTime(when: ScheduleWhen, afterMs: number, cron: CronTimes): number | undefined {
  switch (when.kind) {
    case "cron":
      return cron.next(when, afterMs);
    case "at":
      return when.atMs > afterMs ? when.atMs : undefined;
    case "every":
      return when.anchorMs + Math.max(roundsUntil(when, afterMs) + 1, 1) * when.everyMs;
    default:
      return when satisfies never;
  }
}

/** The latest times from `fromMs` to `untilMs`, both included, oldest first. */
export function latestTimes(
  when: ScheduleWhen,
  span: TimeSpan,
  cron: CronTimes,
): readonly number[] {
  const { fromMs, untilMs, limit } = span;
  switch (when.kind) {
    case "cron":
      return cron.latest(when, span);
    case "at":
      return when.atMs >= fromMs && when.atMs <= untilMs ? [when.atMs] : [];
    case "every": {
      const last = roundsUntil(when, untilMs);
      const first = Math.max(roundsUntil(when, fromMs - 1) + 1, 1, last - limit + 1);
      const length = Math.max(last - first + 1, 0);
      return Array.from({ length }, (_, at) => when.anchorMs + (first + at) * when.everyMs);
    }
    default:
      return when satisfies never;
  }
}

/** How many whole intervals lie between the anchor and `atMs`; negative before the anchor. */
function roundsUntil({ anchorMs, everyMs }: EveryWhen, atMs: number): number {
  return Math.floor((atMs - anchorMs) / everyMs);
}
