import type { SessionId, TaskId, UserId } from "../shared/id.ts";
import type { TaskState } from "./task.ts";

export interface ListTasks {
  readonly userId?: UserId;
  readonly sessionId?: SessionId;
  readonly state?: TaskState["kind"];
  /** The last task of the page before. */
  readonly before?: TaskId;
  readonly limit: number;
}
