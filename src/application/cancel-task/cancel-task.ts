import type { TaskId, UserId } from "#domain/shared/id.ts";
import { isFinalTask, type Task } from "#domain/task/task.ts";

export interface CancelTaskDeps {
  readonly findTask: (taskId: TaskId) => Promise<Task | undefined>;
  /** Tells whoever makes the call, wherever that is. */
  readonly stopCall: (taskId: TaskId) => void;
}

export type CancelTaskResult =
  /** It will end as cancelled, unless it ends of itself at this very moment. */
  | { readonly kind: "cancelling" }
  | { readonly kind: "already-ended" }
  /** There is no such task of this user. */
  | { readonly kind: "not-found" };

/** Stops one call of a tool; the turn that it belongs to goes on with that. */
export function createCancelTask({ findTask, stopCall }: CancelTaskDeps) {
  return async function cancelTask(input: {
    readonly userId: UserId;
    readonly taskId: TaskId;
  }): Promise<CancelTaskResult> {
    const task = await findTask(input.taskId);
    if (task === undefined || task.userId !== input.userId) return { kind: "not-found" };
    if (isFinalTask(task.state)) return { kind: "already-ended" };
    stopCall(task.id);
    return { kind: "cancelling" };
  };
}
