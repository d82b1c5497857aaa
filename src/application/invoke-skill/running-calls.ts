import type { SessionId, TaskId, UserId } from "#domain/shared/id.ts";
import type { Task } from "#domain/task/task.ts";
import type { ToolRunner } from "../ports/tool-runner.ts";

/** The same tools, each of whose calls can be stopped by itself while it is made. */
export class RunningCalls implements ToolRunner {
  readonly #tools: ToolRunner;
  readonly #running = new Map<TaskId, { readonly task: Task; readonly stop: AbortController }>();
  readonly listSkills: ToolRunner["listSkills"];
  readonly prepare: ToolRunner["prepare"];
  readonly decide: ToolRunner["decide"];

  constructor(tools: ToolRunner) {
    this.#tools = tools;
    this.listSkills = () => tools.listSkills();
    this.prepare = (turn, call) => tools.prepare(turn, call);
    this.decide = (request) => tools.decide(request);
  }

  invoke: ToolRunner["invoke"] = async (task, signal) => {
    const stop = new AbortController();
    this.#running.set(task.id, { task, stop });
    try {
      return await this.#tools.invoke(task, AbortSignal.any([signal, stop.signal]));
    } finally {
      this.#running.delete(task.id);
    }
  };

  /** Has the call end as cancelled, where it is made here. */
  stop(taskId: TaskId): void {
    this.#running.get(taskId)?.stop.abort();
  }

  /** Has all calls of a user or a session that are made here end as cancelled. */
  stopOf(owner: UserId | SessionId): void {
    for (const { task, stop } of this.#running.values()) {
      const { userId, origin } = task;
      const sessionId = origin.kind === "turn" ? origin.sessionId : undefined;
      if (owner === userId || owner === sessionId) stop.abort();
    }
  }

  /** Has all calls that are made here end as cancelled. */
  stopAll(): void {
    for (const { stop } of this.#running.values()) stop.abort();
  }
}
