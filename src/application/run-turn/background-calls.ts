import { NO_TAINT } from "#domain/session/session-taint.ts";
import { toFailure } from "#domain/shared/fault.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";
import type { BackgroundTasks } from "#domain/task/background-tasks.ts";
import { failTask, isFinalTask, type Task } from "#domain/task/task.ts";
import type { NowMs } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EndedCall } from "../ports/tool-runner.ts";
import { isStoreAway, whileStoreIsAway } from "../ports/while-store-is-away.ts";

export interface BackgroundCallsDeps {
  readonly tasks: Pick<BackgroundTasks, "end">;
  /** How long a turn waits for a call; 0: until it has ended. */
  readonly afterMs: number;
  /** The end of a task is stored, and with it the job that reports it. */
  readonly onEnded: (task: Task) => void;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

/** A call that its turn does not wait for any more. */
export interface LongCall {
  /** As it runs, made by a turn. */
  readonly task: Task;
  readonly work: Promise<EndedCall>;
  /** Fulfilled when it is on record that the task goes on without its turn. */
  readonly stored: Promise<void>;
}

/** Calls of one session that go on without their turns; beyond them turns wait. */
const CALLS_MOST = 8;
/** The end of a call is stored in any case. */
const NEVER = new AbortController().signal;

/** The calls of one thread that take longer than their turns wait for them. */
export class BackgroundCalls {
  readonly #deps: BackgroundCallsDeps;
  readonly #ofSession = new Map<SessionId, number>();
  readonly #ofTurn = new Map<TurnId, Set<Promise<void>>>();

  constructor(deps: BackgroundCallsDeps) {
    this.#deps = deps;
  }

  /** What `work` comes to, or that it takes longer than a turn waits. */
  async race<T>(work: Promise<T>): Promise<T | "late"> {
    const { afterMs } = this.#deps;
    if (afterMs === 0) return work;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), afterMs);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  /** Sees to a call until its end is stored; false where its session has too many already. */
  adopt(call: LongCall): boolean {
    const { origin } = call.task;
    if (origin.kind !== "turn") throw new RangeError("Cannot adopt a call that no turn has made");
    const { sessionId, turnId } = origin;
    const count = this.#ofSession.get(sessionId) ?? 0;
    if (count >= CALLS_MOST) return false;
    this.#ofSession.set(sessionId, count + 1);
    const calls = this.#ofTurn.get(turnId) ?? new Set();
    this.#ofTurn.set(turnId, calls);
    const seen = this.#see(call).finally(() => {
      calls.delete(seen);
      if (calls.size === 0) this.#ofTurn.delete(turnId);
      const left = (this.#ofSession.get(sessionId) ?? 1) - 1;
      if (left === 0) this.#ofSession.delete(sessionId);
      else this.#ofSession.set(sessionId, left);
    });
    calls.add(seen);
    return true;
  }

  /** Fulfilled when no call of the turn goes on any more. */
  async settled(turnId: TurnId): Promise<void> {
    for (;;) {
      const calls = this.#ofTurn.get(turnId);
      if (calls === undefined) return;
      await Promise.all(calls);
    }
  }

  /** Never rejects. */
  async #see({ task, work, stored }: LongCall): Promise<void> {
    const { log, nowMs } = this.#deps;
    const ending = work.catch((error: unknown): Pick<EndedCall, "task" | "untrusted"> => {
      log.error({ taskId: task.id, error }, "A skill could not be run");
      return { task: failTask(task, toFailure(error), nowMs()) };
    });
    try {
      await stored;
    } catch {
      // The turn is another run's: whoever took it away has ended the task.
      return;
    }
    await this.#end(await ending);
  }

  async #end({ task, untrusted }: Pick<EndedCall, "task" | "untrusted">): Promise<void> {
    const { tasks, log, onEnded } = this.#deps;
    const { id: taskId, state } = task;
    if (!isFinalTask(state)) return log.error({ taskId }, "A call gave a task that has not ended");
    const taint = untrusted === undefined ? NO_TAINT : { untrusted };
    const end = async () => {
      try {
        return await tasks.end({ ...task, state }, taint);
      } catch (error) {
        log.error({ taskId, error }, "Cannot store the end of a task in the background");
        if (isStoreAway(error)) throw error;
        return "not-stored";
      }
    };
    if ((await whileStoreIsAway(NEVER, end)) === "saved") onEnded(task);
  }
}
