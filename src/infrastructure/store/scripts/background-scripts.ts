import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import { parseTaskId, type TaskId, type TurnId } from "#domain/shared/id.ts";
import { NO_SPEND } from "#domain/spend/budget.ts";
import type { FinalTaskState, Task } from "#domain/task/task.ts";
import { queries } from "../load-queries.ts";
import type { Schema } from "../schema.ts";
import { all, enqueue, run, type Script } from "../script.ts";
import { growthOf } from "./spend-scripts.ts";
import { saveTask } from "./task-scripts.ts";

type Row = Schema["background_task"];

/** The end of a task, what it brought into its session, and the job that reports it. */
export function* endBackground(
  task: Task & { readonly state: FinalTaskState },
  taint: SessionTaint,
): Script<"saved" | "stale"> {
  const { id: taskId, origin, state } = task;
  if (origin.kind !== "turn") {
    throw new RangeError(`Cannot end task "${taskId}" in the background: no turn has made it`);
  }
  const { turnId, sessionId } = origin;
  const saved = yield* saveTask(task, "running");
  yield* run(queries.deleteBackgroundTask, { turnId, taskId });
  if (saved === "stale") return "stale";
  yield* run(queries.growSession, { sessionId, ...growthOf(NO_SPEND, taint) });
  yield* enqueueReports([taskId], state.endedAtMs);
  return "saved";
}

/** Fails all tasks of a turn that go on without it. */
export function* interruptTasksOf(turnId: TurnId, nowMs: number): Script<void> {
  yield* interruptBackground(yield* all(queries.listBackgroundOfTurn, { turnId }), nowMs);
}

/** Fails tasks whose calls nobody makes any more, and has that reported. */
export function* interruptBackground(rows: readonly Row[], nowMs: number): Script<void> {
  const interrupted: TaskId[] = [];
  for (const { turn_id: turnId, task_id: taskId } of rows) {
    const isNew = (yield* run(queries.interruptTask, { taskId, nowMs })) === 1;
    yield* run(queries.deleteBackgroundTask, { turnId, taskId });
    if (isNew) interrupted.push(parseTaskId(taskId));
  }
  yield* enqueueReports(interrupted, nowMs);
}

/** Those of a turn that an instance has in hand. */
export function* listBackgroundOf(turnId: TurnId, instanceId: string | null): Script<Row[]> {
  const rows = yield* all(queries.listBackgroundOfTurn, { turnId });
  return rows.filter(({ instance_id: id }) => id === instanceId);
}

function* enqueueReports(taskIds: readonly TaskId[], nowMs: number): Script<void> {
  if (taskIds.length === 0) return;
  const queue = JOB_QUEUES.reportTask.name;
  const jobs = taskIds.map((taskId) => ({ queue, data: { taskId }, key: taskId }));
  yield* enqueue(jobs, nowMs);
}
