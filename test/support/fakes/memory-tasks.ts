import type { Task } from "#domain/task/task.ts";
import type { TaskRepository } from "#domain/task/task-repository.ts";

/** Tasks in memory. */
export function createMemoryTasks(): TaskRepository {
  const tasks = new Map<string, Task>();
  return {
    find: async (id) => tasks.get(id),
    list: async ({ userId, sessionId, state, before, limit }) =>
      [...tasks.values()]
        .filter((task) => userId === undefined || task.userId === userId)
        .filter((task) => sessionId === undefined || sessionOf(task) === sessionId)
        .filter((task) => state === undefined || task.state.kind === state)
        .filter((task) => before === undefined || task.id < before)
        .toSorted((one, other) => (one.id > other.id ? -1 : 1))
        .slice(0, limit),
    listOfTurn: async (turnId) =>
      [...tasks.values()]
        .filter(({ origin }) => origin.kind === "turn" && origin.turnId === turnId)
        .toSorted((one, other) => (one.id < other.id ? -1 : 1)),
    add: async (task) => {
      if (!tasks.has(task.id)) tasks.set(task.id, task);
    },
    save: async (task, from) => {
      if (tasks.get(task.id)?.state.kind !== from) return "stale";
      tasks.set(task.id, task);
      return "saved";
    },
  };
}

function sessionOf({ origin }: Task): string | undefined {
  return origin.kind === "turn" ? origin.sessionId : undefined;
}
