import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import { type Firing, type FiringKey, firingName } from "#domain/schedule/firing.ts";
import type {
  BeginCall,
  EndFiring,
  FireDue,
  FireDueResult,
  FireNow,
  FoundFiring,
  WithdrawCall,
} from "#domain/schedule/firing-log.ts";
import { planFirings } from "#domain/schedule/plan-firings.ts";
import type { Schedule } from "#domain/schedule/schedule.ts";
import type { ChangeSchedule, ListSchedules } from "#domain/schedule/schedule-repository.ts";
import { parseScheduleId, type ScheduleId, type UserId } from "#domain/shared/id.ts";
import { createCronerTimes } from "../../schedules/croner-times.ts";
import { queries } from "../load-queries.ts";
import {
  firingEndToArgs,
  firingFromRow,
  scheduleFromRow,
  scheduleToArgs,
} from "../schedule-rows.ts";
import { all, enqueue, get, run, type Script } from "../script.ts";
import { taskToArgs } from "../task-rows.ts";

/** Firings that one transaction makes, but for a single schedule that has more. */
const FIRINGS_MOST = 2_000;

const cron = createCronerTimes();

export function* findSchedule(scheduleId: ScheduleId): Script<Schedule | undefined> {
  const row = yield* get(queries.findSchedule, { scheduleId });
  return row && scheduleFromRow(row);
}

export function* listSchedules(input: ListSchedules): Script<Schedule[]> {
  const { userId, limit } = input;
  const after: string = input.after ?? "";
  const rows =
    userId === undefined
      ? yield* all(queries.listSchedules, { limit, after })
      : yield* all(queries.listSchedulesOfUser, { userId, limit, after });
  return rows.map(scheduleFromRow);
}

export function* countSchedules(userId: UserId): Script<number> {
  return (yield* get(queries.countSchedules, { userId }))?.count ?? 0;
}

export function* findNextScheduleTime(): Script<number | undefined> {
  return (yield* get(queries.findNextScheduleTime))?.next_at_ms;
}

export function* findFiring(key: FiringKey): Script<FoundFiring | undefined> {
  const { scheduleId, dueAtMs } = key;
  const row = yield* get(queries.findFiring, { scheduleId, dueAtMs });
  const schedule = row && (yield* findSchedule(scheduleId));
  return row && schedule && { firing: firingFromRow(row), schedule };
}

export function* listFirings(scheduleId: ScheduleId, limit: number): Script<Firing[]> {
  return (yield* all(queries.listFirings, { scheduleId, limit })).map(firingFromRow);
}

export function* addSchedule(schedule: Schedule): Script<void> {
  yield* run(queries.insertSchedule, scheduleToArgs(schedule));
}

export function* changeSchedule({ before, after, nowMs }: ChangeSchedule): Script<boolean> {
  const scheduleId = before.id;
  const row = yield* get(queries.lockSchedule, { scheduleId });
  const known = scheduleToArgs(before);
  if (row === undefined) return false;
  const isSame =
    row.state === known["state"] &&
    row.next_at_ms === known["nextAtMs"] &&
    row.state_at_ms === known["stateAtMs"];
  if (!isSame) return false;
  yield* run(queries.changeScheduleState, scheduleToArgs(after));
  if (after.state.kind === "paused") yield* run(queries.leaveOutFirings, { scheduleId, nowMs });
  return true;
}

export function* removeSchedule(scheduleId: ScheduleId): Script<boolean> {
  if ((yield* get(queries.lockSchedule, { scheduleId })) === undefined) return false;
  yield* run(queries.deleteScheduleTasks, { scheduleId });
  yield* run(queries.deleteSchedule, { scheduleId });
  return true;
}

export function* fireDue({ nowMs, limit }: FireDue): Script<FireDueResult> {
  const fired: FiringKey[] = [];
  const moved: Schedule[] = [];
  const leftOut: ScheduleId[] = [];
  for (const row of yield* all(queries.findDueSchedules, { nowMs, limit })) {
    const { dueAtMs, hasLeftOut, schedule } = planFirings(scheduleFromRow(row), nowMs, cron);
    // What is too much for one transaction stays due for the next.
    if (moved.length > 0 && fired.length + dueAtMs.length > FIRINGS_MOST) break;
    for (const each of dueAtMs) fired.push({ scheduleId: schedule.id, dueAtMs: each });
    if (hasLeftOut) leftOut.push(schedule.id);
    moved.push(schedule);
  }
  if (moved.length > 0) {
    const rowsJson = JSON.stringify(moved.map(scheduleToArgs));
    yield* run(queries.moveSchedules, { rowsJson });
  }
  yield* fire(fired, nowMs);
  return { fired, leftOut, nextAtMs: yield* findNextScheduleTime() };
}

export function* fireNow({ scheduleId, dueAtMs, nowMs }: FireNow): Script<FiringKey | undefined> {
  if ((yield* get(queries.lockSchedule, { scheduleId })) === undefined) return undefined;
  const key = { scheduleId, dueAtMs };
  yield* fire([key], nowMs);
  return key;
}

export function* beginCall({ key, attempt, task, nowMs }: BeginCall): Script<boolean> {
  const begun = yield* run(queries.beginFiring, {
    ...key,
    attempt,
    knownAttempt: attempt - 1,
    taskId: task.id,
    startedAtMs: nowMs,
    lateMs: nowMs - key.dueAtMs,
  });
  if (begun === 0) return false;
  yield* run(queries.insertTask, taskToArgs(task));
  return true;
}

export function* withdrawCall({ key, attempt, taskId }: WithdrawCall): Script<boolean> {
  const withdrawn = yield* run(queries.withdrawFiring, { ...key, knownAttempt: attempt });
  if (withdrawn === 0) return false;
  yield* run(queries.deleteFiringTask, { taskId });
  return true;
}

export function* endFiring(input: EndFiring): Script<boolean> {
  const { key, attempt, startedAtMs, task } = input;
  const ended = yield* run(queries.endFiring, {
    ...key,
    knownAttempt: attempt,
    startedAtMs,
    lateMs: startedAtMs - key.dueAtMs,
    ...firingEndToArgs(input),
  });
  if (ended === 0) return false;
  if (task !== undefined) yield* run(queries.insertTask, taskToArgs(task));
  return true;
}

/** Puts firings on record, each with its job. A firing that is there already stays as it is. */
function* fire(keys: readonly FiringKey[], nowMs: number): Script<void> {
  if (keys.length === 0) return;
  yield* run(queries.insertFirings, { rowsJson: JSON.stringify(keys), nowMs });
  yield* enqueueFirings(keys, nowMs);
}

/** Gives every firing that has not ended its job again, where that is gone. */
export function* requeueFirings(nowMs: number): Script<void> {
  const open = yield* all(queries.listOpenFirings);
  const keys = open.map((row) => ({
    scheduleId: parseScheduleId(row.schedule_id),
    dueAtMs: row.due_at_ms,
  }));
  for (let at = 0; at < keys.length; at += FIRINGS_MOST) {
    yield* enqueueFirings(keys.slice(at, at + FIRINGS_MOST), nowMs);
  }
}

function* enqueueFirings(keys: readonly FiringKey[], nowMs: number): Script<void> {
  const jobs = keys.map((key) => {
    return { queue: JOB_QUEUES.firing.name, data: { ...key }, key: firingName(key) };
  });
  yield* enqueue(jobs, nowMs);
}
