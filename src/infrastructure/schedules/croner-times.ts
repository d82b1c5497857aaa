import { Cron } from "croner";
import type { CronTimes } from "#domain/schedule/cron-times.ts";
import { MIN_INTERVAL_MS } from "#domain/schedule/schedule.ts";
import type { CronWhen } from "#domain/schedule/schedule-when.ts";

const KEPT_MOST = 10_000;
const VERDICTS_KEPT_MOST = 1_000;
const SECOND_MS = 1_000;
/** How many times in a row are looked at to tell how fast an expression is. */
const INTERVALS_CHECKED = 200;

/**
 * Cron times by croner. A time of day that a change of the clock leaves out fires at the first
 * moment after the gap, one that comes twice fires at the first; expressions with `*` or a step in
 * their time of day (every half hour, say) just go on through both.
 */
export function createCronerTimes(): CronTimes {
  const parsed = new Map<string, Cron>();
  const verdicts = new Map<string, { readonly fault: string | undefined }>();
  const parse = (cron: CronWhen): Cron => {
    const key = keyOf(cron);
    const known = parsed.get(key);
    if (known !== undefined) return known;
    if (parsed.size >= KEPT_MOST) parsed.clear();
    const made = parseCron(cron);
    parsed.set(key, made);
    return made;
  };
  return {
    findFault(cron) {
      const key = keyOf(cron);
      const known = verdicts.get(key);
      if (known !== undefined) return known.fault;
      const fault = findFault(cron, parse);
      if (verdicts.size >= VERDICTS_KEPT_MOST) verdicts.clear();
      verdicts.set(key, { fault });
      return fault;
    },
    next: (cron, afterMs) => parse(cron).nextRun(new Date(afterMs))?.getTime(),
    latest(cron, { fromMs, untilMs, limit }) {
      // croner leaves out the second of its reference.
      const reference = new Date(untilMs + SECOND_MS);
      const times = parse(cron).previousRuns(limit + 1, reference);
      const inSpan = times.map(Number).filter((atMs) => atMs >= fromMs && atMs <= untilMs);
      return inSpan.slice(0, limit).toReversed();
    },
  };
}

function keyOf({ expression, timeZone }: CronWhen): string {
  return `${timeZone} ${expression}`;
}

function parseCron({ expression, timeZone }: CronWhen): Cron {
  const mode = "5-or-6-parts";
  const fixedTimeRule = "no-wildcard";
  return new Cron(expression, { timezone: timeZone, mode, fixedTimeRule, paused: true });
}

function findFault(cron: CronWhen, parse: (cron: CronWhen) => Cron): string | undefined {
  const { expression, timeZone } = cron;
  if (!isTimeZone(timeZone)) {
    return `the time zone "${timeZone}" is not known: expected an IANA name such as "Europe/Berlin"`;
  }
  if (!/^(?:@[a-z]+|\S+(?: +\S+){4,5})$/iu.test(expression)) {
    return `the cron expression "${expression}" has not the form of one: expected five fields, or six with seconds first`;
  }
  // What it joins may never meet, and croner would look for that day for up to a second.
  if (expression.includes("+")) {
    return `the cron expression "${expression}" joins day and weekday by "+": expected one without it`;
  }
  try {
    const times = parse(cron).nextRuns(INTERVALS_CHECKED, new Date(0)).map(Number);
    if (times.length === 0) return `the cron expression "${expression}" never comes true`;
    const isFast = times.some((atMs, at) => atMs - (times[at - 1] ?? -Infinity) < MIN_INTERVAL_MS);
    if (!isFast) return undefined;
    return `the cron expression "${expression}" fires too often: expected at least ${MIN_INTERVAL_MS / 1_000} s between two times`;
  } catch (error) {
    return `the cron expression "${expression}" cannot be read: ${reasonOf(error)}`;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^CronPattern: /u, "") : "unknown reason";
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}
