import type { RecordAudit } from "#domain/audit/audit-log.ts";
import type { CronTimes } from "#domain/schedule/cron-times.ts";
import type { FiringKey } from "#domain/schedule/firing.ts";
import type { FiringLog } from "#domain/schedule/firing-log.ts";
import { pauseSchedule, resumeSchedule, type Schedule } from "#domain/schedule/schedule.ts";
import type { ScheduleRepository } from "#domain/schedule/schedule-repository.ts";
import type { ScheduleId, UserId } from "#domain/shared/id.ts";
import type { NowMs } from "../ports/clock.ts";
import { JOB_QUEUES } from "../ports/job-queues.ts";
import type { Jobs } from "../ports/jobs.ts";

interface OwnSchedule {
  readonly userId: UserId;
  readonly scheduleId: ScheduleId;
}

export interface ChangeScheduleInput extends OwnSchedule {
  readonly isPaused: boolean;
}

export interface RunScheduleInput extends OwnSchedule {
  /** When it was asked for: asked again for the same moment it fires no second time. */
  readonly atMs: number;
}

export type ChangeScheduleResult =
  /** Also where it was so already. */
  | { readonly kind: "changed"; readonly schedule: Schedule }
  | { readonly kind: "not-found" }
  /** It has ended, or somebody else changes it all the time. */
  | { readonly kind: "conflict" };

export interface ChangeScheduleDeps {
  readonly schedules: Pick<ScheduleRepository, "find" | "change" | "remove">;
  readonly firings: Pick<FiringLog, "fireNow">;
  readonly jobs: Pick<Jobs, "wake">;
  readonly cron: CronTimes;
  readonly nowMs: NowMs;
  readonly audit: RecordAudit;
}

const TRIES = 5;

/** What users do with their schedules. All reject with `Fault` `STORE_UNAVAILABLE`. */
export function createChangeSchedule(deps: ChangeScheduleDeps) {
  const { schedules, firings, jobs, cron, nowMs } = deps;

  async function findOwn({ userId, scheduleId }: OwnSchedule): Promise<Schedule | undefined> {
    const schedule = await schedules.find(scheduleId);
    return schedule?.userId === userId ? schedule : undefined;
  }

  function note({ userId, scheduleId }: OwnSchedule, action: string): void {
    const subject = `schedule:${scheduleId}`;
    const who = { atMs: nowMs(), actor: userId, subject };
    deps.audit({ ...who, action, decision: "allowed", detail: {} });
  }

  return {
    /** Pauses or resumes; what is in that state already stays as it is. */
    async changeSchedule(input: ChangeScheduleInput): Promise<ChangeScheduleResult> {
      // The ticker moves schedules too: whoever comes second looks again.
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const before = await findOwn(input);
        if (before === undefined) return { kind: "not-found" };
        const after = moved(before, input.isPaused, nowMs(), cron);
        if (after === undefined) return { kind: "conflict" };
        if (after === before) return { kind: "changed", schedule: before };
        if (!(await schedules.change({ before, after, nowMs: nowMs() }))) continue;
        note(input, input.isPaused ? "schedule.paused" : "schedule.resumed");
        return { kind: "changed", schedule: after };
      }
      return { kind: "conflict" };
    },

    /** Removes a schedule with its firings; a turn or call that has begun goes on. */
    async deleteSchedule(input: OwnSchedule): Promise<"deleted" | "not-found"> {
      if ((await findOwn(input)) === undefined) return "not-found";
      if (!(await schedules.remove(input.scheduleId))) return "not-found";
      note(input, "schedule.deleted");
      return "deleted";
    },

    /** Fires a schedule out of turn, whatever its state; `undefined` where there is none. */
    async runSchedule(input: RunScheduleInput): Promise<FiringKey | undefined> {
      if ((await findOwn(input)) === undefined) return undefined;
      const { scheduleId, atMs: dueAtMs } = input;
      const key = await firings.fireNow({ scheduleId, dueAtMs, nowMs: nowMs() });
      if (key === undefined) return undefined;
      jobs.wake(JOB_QUEUES.firing.name);
      note(input, "schedule.run");
      return key;
    },
  };
}

/** The schedule as asked for, itself where it is so already, nothing where it cannot be. */
function moved(
  schedule: Schedule,
  isPaused: boolean,
  nowMs: number,
  cron: CronTimes,
): Schedule | undefined {
  const { kind } = schedule.state;
  switch (kind) {
    case "active":
      return isPaused ? pauseSchedule(schedule, nowMs) : schedule;
    case "paused":
      return isPaused ? schedule : resumeSchedule(schedule, nowMs, cron);
    case "ended":
      return undefined;
    default:
      return kind satisfies never;
  }
}
