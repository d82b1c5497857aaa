import type { SessionId, TaskId, TurnId, UserId } from "../shared/id.ts";
import type { Task, TaskState } from "./task.ts";

/**
 * Tasks as they are listed, and the writes of those that no turn owns; a turn's are written by
 * `TurnLog.save` along with the turn. All reject with `Fault` `STORE_UNAVAILABLE` where the store
 * cannot be used.
 */
export interface TaskRepository {
  find(taskId: TaskId): Promise<Task | undefined>;
  /** Newest first, at most `limit`. */
  list(input: ListTasks): Promise<readonly Task[]>;
  /** The calls of a turn, oldest first. */
  listOfTurn(turnId: TurnId): Promise<readonly Task[]>;
  /** Stores a new task; adding one again changes nothing. */
  add(task: Task): Promise<void>;
  /**
   * Stores a task as it has become, where it is still in the state `from`. `stale`: somebody else
   * has moved it since, or it is gone; nothing was written.
   */
  save(task: Task, from: TaskState["kind"]): Promise<"saved" | "stale">;
}

export interface ListTasks {
  readonly userId?: UserId | undefined;
  readonly sessionId?: SessionId | undefined;
  readonly state?: TaskState["kind"] | undefined;
  /** The last task of the page before. */
  readonly before?: TaskId | undefined;
  readonly limit: number;
}
