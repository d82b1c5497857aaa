import type { TaskId, TurnId } from "#domain/shared/id.ts";
import type { Task, TaskState } from "#domain/task/task.ts";
import type { ListTasks } from "#domain/task/task-repository.ts";
import { queries } from "../load-queries.ts";
import { all, get, run, type Script } from "../script.ts";
import { taskFromRow, taskToArgs } from "../task-rows.ts";

/** Sorts after every id. */
const LAST_ID = "~";

export function* findTask(taskId: TaskId): Script<Task | undefined> {
  const row = yield* get(queries.findTask, { taskId });
  return row && taskFromRow(row);
}

export function* listTasks(input: ListTasks): Script<Task[]> {
  const { userId = "", sessionId, state = "", before = LAST_ID, limit } = input;
  const args = { userId, state, before, limit };
  const query =
    sessionId !== undefined
      ? all(queries.listTasksOfSession, { ...args, sessionId })
      : all(userId === "" ? queries.listTasks : queries.listTasksOfUser, args);
  return (yield* query).map(taskFromRow);
}

export function* listTasksOfTurn(turnId: TurnId): Script<Task[]> {
  return (yield* all(queries.listTasksOfTurn, { turnId })).map(taskFromRow);
}

export function* addTask(task: Task): Script<void> {
  if ((yield* get(queries.findTask, { taskId: task.id })) !== undefined) return;
  yield* run(queries.insertTask, taskToArgs(task));
}

export function* saveTask(task: Task, from: TaskState["kind"]): Script<"saved" | "stale"> {
  const moved = yield* run(queries.moveTask, { ...taskToArgs(task), from });
  return moved === 1 ? "saved" : "stale";
}
