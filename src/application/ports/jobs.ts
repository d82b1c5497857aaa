import type { Failure } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";

/**
 * Work that is done later, on any instance, at least once: a job runs again where its instance
 * died (within 17 s) or its handler rejected, so handlers must bear being called twice.
 */
export interface Jobs {
  /** Puts jobs on their queues, in one transaction of its own. */
  enqueue(jobs: readonly NewJob[]): Promise<void>;
  /** Names the handler of a queue, before `start`. An instance may work on some queues only. */
  work(queue: JobQueue, handle: JobHandler): void;
  /** Begins to work, as soon as the store of jobs can be used. */
  start(): Promise<void>;
  /** Looks at a queue now: there may be jobs on it. */
  wake(queue: string): void;
  /** Jobs that failed as often as they may, latest first. They stay for a week. */
  listDead(limit: number): Promise<readonly DeadJob[]>;
  /**
   * Takes no more jobs and waits for those in hand. After `drainMs` their signals abort and they
   * are left to other instances. Nothing runs afterwards.
   */
  stop(drainMs: number): Promise<void>;
}

export interface NewJob {
  readonly queue: string;
  readonly data: JsonValue;
  /** While a job of this key is on record in its queue, finished ones included, there is no other. */
  readonly key?: string | undefined;
  /** Not before then; at once where it is left out. */
  readonly readyAtMs?: number | undefined;
}

/** Rejecting means: again later. `signal` aborts where the job is no longer this instance's. */
export type JobHandler = (job: Job, signal: AbortSignal) => Promise<void>;

export interface Job {
  readonly id: string;
  readonly data: JsonValue;
  /** From 1. */
  readonly attempt: number;
  /** When this attempt fails, the job is dead. */
  readonly isLast: boolean;
}

export interface JobQueue {
  readonly name: string;
  /** How many of its jobs run on one instance at once. */
  readonly concurrency: number;
  /** How often a job is begun before it is dead. */
  readonly attempts: number;
  /** The pause after the first failure; it doubles with each further one, up to the most. */
  readonly retryDelayMs: number;
  readonly retryDelayMostMs: number;
  /** How long a finished job stays on record, and with it its key. */
  readonly keepMs: number;
}

export interface DeadJob {
  readonly id: string;
  readonly queue: string;
  readonly data: JsonValue;
  readonly attempts: number;
  readonly failure: Failure;
  readonly diedAtMs: number;
}
