import { type AddScheduleDeps, createAddSchedule } from "#application/add-schedule/add-schedule.ts";
import { createChangeSchedule } from "#application/change-schedule/change-schedule.ts";
import { ScheduleTicker } from "#application/fire-schedules/schedule-ticker.ts";
import type { AcceptMessage } from "#application/ports/accept-message.ts";
import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import type { JobHandler, Jobs } from "#application/ports/jobs.ts";
import type { ListSkills } from "#application/ports/list-skills.ts";
import type { Logger } from "#application/ports/logger.ts";
import { createReadSchedules } from "#application/read-schedules/read-schedules.ts";
import { createRunFiring, type RunFiringDeps } from "#application/run-firing/run-firing.ts";
import { createTidyStore, startTidying } from "#application/tidy-store/tidy-store.ts";
import type { RecordAudit } from "#domain/audit/audit-log.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { openJobs } from "#infrastructure/jobs/open-jobs.ts";
import { createCronerTimes } from "#infrastructure/schedules/croner-times.ts";
import type { Store } from "#infrastructure/store/open-store.ts";
import {
  createFiringLog,
  createHousekeeping,
  createScheduleRepository,
  createSessionRepository,
  type ReadCaller,
  type WriteCaller,
} from "#infrastructure/store/repositories.ts";

/*
 * What fires schedules and works on jobs, put together; and the use cases alone, for commands.
 */

export interface SchedulesDeps {
  readonly store: Store;
  readonly acceptMessage: AcceptMessage;
  readonly callSkill: RunFiringDeps["callSkill"];
  readonly expireApproval: JobHandler;
  readonly reportTask: JobHandler;
  readonly listSkills: ListSkills;
  readonly audit: RecordAudit;
  readonly nowMs: () => number;
  readonly log: Logger;
  readonly maxPerUser: number;
  readonly eventRetentionDays: number;
}

export async function openSchedules(deps: SchedulesDeps) {
  const { store, nowMs, log } = deps;
  const { reader, writer } = store;
  const firings = createFiringLog(reader, writer);
  const sessions = createSessionRepository(reader, writer);
  const jobs = await openJobs({ store, nowMs, log });
  jobs.work(JOB_QUEUES.expireApproval, deps.expireApproval);
  jobs.work(JOB_QUEUES.reportTask, deps.reportTask);
  jobs.work(JOB_QUEUES.firing, createRunFiring({ ...deps, firings, sessions, newId }));
  const housekeeping = createHousekeeping(writer);
  jobs.work(JOB_QUEUES.maintenance, createTidyStore({ ...deps, housekeeping }));
  const ticker = new ScheduleTicker({ firings, jobs, nowMs, log });
  let isStopped = false;
  let stopTidying = () => {};
  return {
    useCases: createScheduleUseCases({ ...deps, reader, writer, jobs }),

    /** Tasks in the background have ended. */
    wakeReports: () => jobs.wake(JOB_QUEUES.reportTask.name),

    /** Begins to fire and to work; fulfilled when it does. */
    async start(): Promise<void> {
      await jobs.start();
      if (isStopped) return;
      ticker.start();
      stopTidying = startTidying({ jobs, nowMs, log });
    },

    /** Fires nothing more and lets what was begun end, for so long at most. */
    async stop(drainMs: number): Promise<void> {
      isStopped = true;
      stopTidying();
      await ticker.stop();
      await jobs.stop(drainMs);
    },
  };
}

export interface ScheduleUseCasesDeps
  extends Pick<SchedulesDeps, "audit" | "nowMs" | "maxPerUser">,
    Pick<AddScheduleDeps, "listSkills"> {
  readonly reader: ReadCaller;
  readonly writer: WriteCaller;
  readonly jobs: Pick<Jobs, "wake">;
}

/** What users do with schedules. */
export function createScheduleUseCases({ reader, writer, ...deps }: ScheduleUseCasesDeps) {
  const shared = {
    ...deps,
    schedules: createScheduleRepository(reader, writer),
    firings: createFiringLog(reader, writer),
    sessions: createSessionRepository(reader, writer),
    cron: createCronerTimes(),
  };
  return {
    createSchedule: createAddSchedule(shared),
    ...createChangeSchedule(shared),
    ...createReadSchedules(shared),
  };
}
