import type { ScheduleId, SessionId, UserId } from "../shared/id.ts";
import type { JsonValue } from "../shared/json.ts";
import type { CronTimes } from "./cron-times.ts";
import { nextTime } from "./schedule-times.ts";
import type { ScheduleWhen } from "./schedule-when.ts";

/** Something to be done at certain times, as its user. */
export interface Schedule {
  readonly id: ScheduleId;
  readonly userId: UserId;
  readonly name: string;
  readonly when: ScheduleWhen;
  readonly missed: MissedRule;
  readonly action: ScheduleAction;
  readonly state: ScheduleState;
  /** The time of the latest firing, not the moment at which it was carried out. */
  readonly lastFiredAtMs: number | undefined;
  readonly createdAtMs: number;
}

/**
 * What becomes of times at which nothing could fire (no server ran, say): they are left out, they
 * become one firing, or each is made up for. See `planFirings`.
 */
export type MissedRule = "skip" | "once" | "all";

export type ScheduleAction =
  /** A turn with this message, in a session of the user or, without one, of the schedule's own. */
  | {
      readonly kind: "message";
      readonly text: string;
      readonly sessionId?: SessionId | undefined;
    }
  | {
      readonly kind: "tool-call";
      readonly skill: string;
      readonly tool: string;
      readonly input: JsonValue;
    };

export type ScheduleState =
  | { readonly kind: "active"; readonly nextAtMs: number }
  | { readonly kind: "paused"; readonly pausedAtMs: number }
  /** Nothing comes any more. */
  | { readonly kind: "ended"; readonly endedAtMs: number };

/** Times of one schedule that follow each other faster than this are refused. */
export const MIN_INTERVAL_MS = 10_000;

/** active -> paused. */
export function pauseSchedule(schedule: Schedule, nowMs: number): Schedule {
  assertState(schedule, "pause", "active");
  return { ...schedule, state: { kind: "paused", pausedAtMs: nowMs } };
}

/** paused -> active, or ended where no time is left. Times that passed meanwhile are left out. */
export function resumeSchedule(schedule: Schedule, nowMs: number, cron: CronTimes): Schedule {
  assertState(schedule, "resume", "paused");
  return { ...schedule, state: stateAfter(schedule.when, nowMs, cron) };
}

/** active -> active with the next time, or ended where there is none. */
export function advanceSchedule(
  schedule: Schedule,
  { nowMs, lastFiredAtMs }: { readonly nowMs: number; readonly lastFiredAtMs: number | undefined },
  cron: CronTimes,
): Schedule {
  assertState(schedule, "advance", "active");
  const state = stateAfter(schedule.when, nowMs, cron);
  return { ...schedule, state, lastFiredAtMs: lastFiredAtMs ?? schedule.lastFiredAtMs };
}

/** The state of a schedule of which nothing up to and including `nowMs` is left to do. */
export function stateAfter(when: ScheduleWhen, nowMs: number, cron: CronTimes): ScheduleState {
  const nextAtMs = nextTime(when, nowMs, cron);
  return nextAtMs === undefined
    ? { kind: "ended", endedAtMs: nowMs }
    : { kind: "active", nextAtMs };
}

/** The session that a schedule's messages go to. Its own one has the schedule's id. */
export function sessionOf({ id, action }: Pick<Schedule, "id" | "action">): SessionId | undefined {
  if (action.kind !== "message") return undefined;
  return action.sessionId ?? (id as string as SessionId);
}

function assertState(schedule: Schedule, verb: string, expected: ScheduleState["kind"]): void {
  if (schedule.state.kind === expected) return;
  throw new RangeError(
    `Cannot ${verb} schedule "${schedule.id}": it is "${schedule.state.kind}", expected ${expected}`,
  );
}
