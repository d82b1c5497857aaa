import type { RecordAudit } from "#domain/audit/audit-log.ts";
import type { CronTimes } from "#domain/schedule/cron-times.ts";
import {
  MIN_INTERVAL_MS,
  type MissedRule,
  type Schedule,
  type ScheduleAction,
  stateAfter,
} from "#domain/schedule/schedule.ts";
import type { ScheduleRepository } from "#domain/schedule/schedule-repository.ts";
import type { AtWhen, CronWhen, EveryWhen, ScheduleWhen } from "#domain/schedule/schedule-when.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import type { ScheduleId, UserId } from "#domain/shared/id.ts";
import type { NowMs } from "../ports/clock.ts";

export interface AddScheduleInput {
  readonly userId: UserId;
  /** The same id again is the same schedule. */
  readonly scheduleId: ScheduleId;
  readonly name: string;
  readonly when: NewWhen;
  readonly missed: MissedRule;
  readonly action: ScheduleAction;
}

/** The times of a new schedule; intervals are counted from its beginning. */
export type NewWhen = CronWhen | AtWhen | Omit<EveryWhen, "anchorMs">;

export type AddScheduleResult =
  /** Also where it was created before under the same id. */
  | { readonly kind: "created"; readonly schedule: Schedule }
  /** Not as it has to be; the message says what was expected. */
  | { readonly kind: "refused"; readonly message: string };

export interface AddScheduleDeps {
  readonly schedules: Pick<ScheduleRepository, "find" | "count" | "add">;
  readonly sessions: Pick<SessionRepository, "find">;
  readonly listSkills: () => Promise<{ readonly skills: readonly CallableSkill[] }>;
  readonly cron: CronTimes;
  readonly nowMs: NowMs;
  readonly maxPerUser: number;
  readonly audit: RecordAudit;
}

/** What has to be known of a skill that a schedule may call. */
interface CallableSkill {
  readonly name: string;
  readonly tools: readonly { readonly name: string }[];
}

const YEAR_MS = 366 * 86_400_000;
const NAME_CHARS_MOST = 100;
const TEXT_CHARS_MOST = 32_768;
const EXPRESSION_CHARS_MOST = 200;

/** Makes a schedule, if it can come true. Rejects with `Fault` `STORE_UNAVAILABLE`. */
export function createAddSchedule(deps: AddScheduleDeps) {
  const { schedules, nowMs, cron, audit } = deps;

  return async function addSchedule(input: AddScheduleInput): Promise<AddScheduleResult> {
    const { userId, scheduleId, missed, action } = input;
    const known = await schedules.find(scheduleId);
    if (known?.userId === userId) return { kind: "created", schedule: known };
    const createdAtMs = nowMs();
    const when = withAnchor(input.when, createdAtMs);
    const fault =
      known !== undefined
        ? "The id is in use: expected another one"
        : (nameFault(input.name) ??
          // Before the times: to look at those may take a while.
          (await quotaFault(userId, deps)) ??
          whenFault(when, cron, createdAtMs) ??
          (await actionFault(action, userId, deps)));
    if (fault !== undefined) return { kind: "refused", message: fault };
    const schedule: Schedule = {
      id: scheduleId,
      userId,
      name: input.name.trim(),
      when,
      missed,
      action,
      state: stateAfter(when, createdAtMs, cron),
      lastFiredAtMs: undefined,
      createdAtMs,
    };
    await schedules.add(schedule);
    audit({
      atMs: createdAtMs,
      actor: userId,
      action: "schedule.created",
      subject: `schedule:${scheduleId}`,
      decision: "allowed",
      detail: { when: when.kind, action: action.kind },
    });
    return { kind: "created", schedule };
  };
}

function withAnchor(when: NewWhen, anchorMs: number): ScheduleWhen {
  return when.kind === "every" ? { ...when, anchorMs } : when;
}

function nameFault(name: string): string | undefined {
  const { length } = name.trim();
  if (length >= 1 && length <= NAME_CHARS_MOST) return undefined;
  return `Cannot use the name: expected 1 to ${NAME_CHARS_MOST} characters`;
}

function whenFault(when: ScheduleWhen, cron: CronTimes, nowMs: number): string | undefined {
  switch (when.kind) {
    case "cron": {
      if (when.expression.length > EXPRESSION_CHARS_MOST) return "Cannot use so long an expression";
      const fault = cron.findFault(when);
      return fault && `Cannot use these times: ${fault}`;
    }
    case "at":
      if (when.atMs > nowMs && when.atMs < nowMs + 100 * YEAR_MS) return undefined;
      return "Cannot use this time: expected one that is to come";
    case "every":
      if (when.everyMs >= MIN_INTERVAL_MS && when.everyMs <= YEAR_MS) return undefined;
      return `Cannot use this interval: expected ${MIN_INTERVAL_MS / 1_000} s to a year`;
    default:
      return when satisfies never;
  }
}

async function actionFault(
  action: ScheduleAction,
  userId: UserId,
  { sessions, listSkills }: AddScheduleDeps,
): Promise<string | undefined> {
  if (action.kind === "message") {
    const { text, sessionId } = action;
    if (text.trim() === "" || text.length > TEXT_CHARS_MOST) {
      return `Cannot use this message: expected 1 to ${TEXT_CHARS_MOST} characters`;
    }
    if (sessionId === undefined) return undefined;
    const session = await sessions.find(sessionId);
    return session?.userId === userId ? undefined : `There is no session "${sessionId}"`;
  }
  const { skills } = await listSkills();
  const skill = skills.find(({ name }) => name === action.skill);
  if (skill === undefined) return `There is no skill "${action.skill}"`;
  if (JSON.stringify(action.input).length > TEXT_CHARS_MOST) return "Cannot use so long an input";
  const tool = skill.tools.find(({ name }) => name === action.tool);
  if (tool !== undefined) return undefined;
  const known = skill.tools.map(({ name }) => name).join(", ");
  return `The skill "${action.skill}" has no tool "${action.tool}": expected one of ${known}`;
}

async function quotaFault(
  userId: UserId,
  { schedules, maxPerUser }: AddScheduleDeps,
): Promise<string | undefined> {
  if ((await schedules.count(userId)) < maxPerUser) return undefined;
  return `Cannot keep another schedule: expected at most ${maxPerUser} of one user`;
}
