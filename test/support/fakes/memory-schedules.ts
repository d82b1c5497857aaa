import type { DeleteOldFirings } from "../../../src/application/ports/housekeeping.ts";
import { JOB_QUEUES } from "../../../src/application/ports/job-queues.ts";
import type { NewJob } from "../../../src/application/ports/jobs.ts";
import type { CronTimes } from "../../../src/domain/schedule/cron-times.ts";
import {
  type Firing,
  type FiringKey,
  type FiringState,
  firingName,
} from "../../../src/domain/schedule/firing.ts";
import type { FiringLog } from "../../../src/domain/schedule/firing-log.ts";
import { planFirings } from "../../../src/domain/schedule/plan-firings.ts";
import type { Schedule } from "../../../src/domain/schedule/schedule.ts";
import type { ScheduleRepository } from "../../../src/domain/schedule/schedule-repository.ts";
import type { Task } from "../../../src/domain/task/task.ts";

export interface MemorySchedules {
  readonly schedules: ScheduleRepository;
  readonly firings: FiringLog;
  readonly deleteOldFirings: (input: DeleteOldFirings) => Promise<number>;
  /** The jobs of firings. */
  readonly jobs: NewJob[];
  readonly tasks: Map<string, Task>;
}

/** Schedules and their firings in memory. */
export function createMemorySchedules(cron: CronTimes): MemorySchedules {
  const kept = new Map<string, Schedule>();
  const fired = new Map<string, Firing>();
  const tasks = new Map<string, Task>();
  const jobs: NewJob[] = [];

  function fire(key: FiringKey, firedAtMs: number): FiringKey {
    const state = { kind: "waiting" } as const;
    fired.set(firingName(key), { ...key, firedAtMs, lateMs: undefined, state });
    jobs.push({ queue: JOB_QUEUES.firing.name, data: { ...key }, key: firingName(key) });
    return key;
  }

  function attemptOf({ state }: Firing): number | undefined {
    if (state.kind === "waiting") return 0;
    return state.kind === "running" ? state.attempt : undefined;
  }

  const schedules: ScheduleRepository = {
    find: async (scheduleId) => kept.get(scheduleId),
    async list({ userId, limit, after = "" }) {
      return Array.from(kept.values())
        .filter((each) => userId === undefined || each.userId === userId)
        .filter(({ id }) => id > after)
        .toSorted((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit);
    },
    count: async (userId) =>
      Array.from(kept.values()).filter((each) => each.userId === userId).length,
    async add(schedule) {
      if (kept.has(schedule.id)) throw new Error("There is such a schedule");
      kept.set(schedule.id, schedule);
    },
    async change({ before, after, nowMs }) {
      const stored = kept.get(before.id);
      if (JSON.stringify(stored?.state) !== JSON.stringify(before.state)) return false;
      kept.set(after.id, after);
      if (after.state.kind !== "paused") return true;
      for (const [name, firing] of fired) {
        if (firing.scheduleId !== after.id || firing.state.kind !== "waiting") continue;
        fired.set(name, { ...firing, state: { kind: "left-out", endedAtMs: nowMs } });
      }
      return true;
    },
    async remove(scheduleId) {
      for (const [name, firing] of fired) if (firing.scheduleId === scheduleId) fired.delete(name);
      for (const [id, { origin }] of tasks) {
        if (origin.kind === "schedule" && origin.scheduleId === scheduleId) tasks.delete(id);
      }
      return kept.delete(scheduleId);
    },
  };

  const firings: FiringLog = {
    async fireDue({ nowMs, limit }) {
      const active = () =>
        Array.from(kept.values())
          .flatMap((each) =>
            each.state.kind === "active" ? [{ each, at: each.state.nextAtMs }] : [],
          )
          .toSorted((one, other) => one.at - other.at);
      const keys: FiringKey[] = [];
      const leftOut: Schedule["id"][] = [];
      for (const { each } of active()
        .filter(({ at }) => at <= nowMs)
        .slice(0, limit)) {
        const plan = planFirings(each, nowMs, cron);
        for (const dueAtMs of plan.dueAtMs)
          keys.push(fire({ scheduleId: each.id, dueAtMs }, nowMs));
        if (plan.hasLeftOut) leftOut.push(each.id);
        kept.set(each.id, plan.schedule);
      }
      return { fired: keys, leftOut, nextAtMs: active()[0]?.at };
    },
    async fireNow({ scheduleId, dueAtMs, nowMs }) {
      const key = { scheduleId, dueAtMs };
      if (!kept.has(scheduleId)) return undefined;
      return fired.has(firingName(key)) ? key : fire(key, nowMs);
    },
    async find(key) {
      const firing = fired.get(firingName(key));
      const schedule = kept.get(key.scheduleId);
      return firing && schedule && { firing, schedule };
    },
    async list(scheduleId, limit) {
      return Array.from(fired.values())
        .filter((firing) => firing.scheduleId === scheduleId)
        .toSorted((one, other) => other.dueAtMs - one.dueAtMs)
        .slice(0, limit);
    },
    async beginCall({ key, attempt, task, nowMs }) {
      const firing = fired.get(firingName(key));
      if (firing === undefined || attemptOf(firing) !== attempt - 1) return false;
      const state: FiringState = { kind: "running", startedAtMs: nowMs, attempt, taskId: task.id };
      const lateMs = firing.lateMs ?? nowMs - key.dueAtMs;
      fired.set(firingName(key), { ...firing, lateMs, state });
      tasks.set(task.id, task);
      return true;
    },
    async withdrawCall({ key, attempt, taskId }) {
      const firing = fired.get(firingName(key));
      if (firing?.state.kind !== "running" || firing.state.attempt !== attempt) return false;
      fired.set(firingName(key), { ...firing, lateMs: undefined, state: { kind: "waiting" } });
      tasks.delete(taskId);
      return true;
    },
    async end({ key, attempt, startedAtMs, state, task }) {
      const firing = fired.get(firingName(key));
      if (firing === undefined || attemptOf(firing) !== attempt) return false;
      const lateMs = firing.lateMs ?? startedAtMs - key.dueAtMs;
      fired.set(firingName(key), { ...firing, lateMs, state });
      if (task !== undefined) tasks.set(task.id, task);
      return true;
    },
  };

  return {
    schedules,
    firings,
    jobs,
    tasks,
    async deleteOldFirings({ beforeMs, limit }) {
      const old = Array.from(fired).filter(
        ([, { state }]) => "endedAtMs" in state && state.endedAtMs < beforeMs,
      );
      for (const [name] of old.slice(0, limit)) fired.delete(name);
      return Math.min(old.length, limit);
    },
  };
}
