import type { Firing } from "#domain/schedule/firing.ts";
import type { FiringLog } from "#domain/schedule/firing-log.ts";
import type { Schedule } from "#domain/schedule/schedule.ts";
import type { ListSchedules, ScheduleRepository } from "#domain/schedule/schedule-repository.ts";
import type { ScheduleId, UserId } from "#domain/shared/id.ts";

export interface ReadSchedulesDeps {
  readonly schedules: Pick<ScheduleRepository, "find" | "list">;
  readonly firings: Pick<FiringLog, "list">;
}

interface OwnSchedule {
  readonly userId: UserId;
  readonly scheduleId: ScheduleId;
}

/** What users see of their schedules; another user's does not exist for them. */
export function createReadSchedules({ schedules, firings }: ReadSchedulesDeps) {
  async function findSchedule({ userId, scheduleId }: OwnSchedule): Promise<Schedule | undefined> {
    const schedule = await schedules.find(scheduleId);
    return schedule?.userId === userId ? schedule : undefined;
  }

  return {
    findSchedule,

    listSchedules: (input: ListSchedules & { readonly userId: UserId }) => schedules.list(input),

    /** Latest first; `undefined` where there is no such schedule. */
    async listFirings(
      input: OwnSchedule & { readonly limit: number },
    ): Promise<readonly Firing[] | undefined> {
      const schedule = await findSchedule(input);
      return schedule && firings.list(schedule.id, input.limit);
    },
  };
}
