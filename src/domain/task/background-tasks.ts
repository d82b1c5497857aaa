import type { SessionTaint } from "../session/session-taint.ts";
import type { TurnId } from "../shared/id.ts";
import type { FinalTaskState, Task } from "./task.ts";

/**
 * Tasks that go on without their turns: `TurnLog.save` makes them such (`background`), and whoever
 * ran the turn runs them. The end of each is reported to its session by a job that is stored with
 * the end; `TurnLog.recover` ends those of dead instances. All reject with `Fault`
 * `STORE_UNAVAILABLE` where the store cannot be used.
 */
export interface BackgroundTasks {
  /**
   * Stores how a task has ended, with what it has brought into its session. `stale`: it is over
   * already, or gone; nothing was written.
   */
  end(
    task: Task & { readonly state: FinalTaskState },
    taint: SessionTaint,
  ): Promise<"saved" | "stale">;
  /** Fails the tasks of a turn: the thread that made their calls has died. */
  interrupt(turnId: TurnId, nowMs: number): Promise<void>;
}
