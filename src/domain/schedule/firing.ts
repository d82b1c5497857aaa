import type { ScheduleId } from "../shared/id.ts";

export interface FiringKey {
  readonly scheduleId: ScheduleId;
  readonly dueAtMs: number;
}
