import type { DeadJob, Job, JobQueue, NewJob } from "#application/ports/jobs.ts";
import type { Failure } from "#domain/shared/fault.ts";

/**
 * Where jobs are kept. A job that was fetched is this instance's until its lease runs out; `touch`
 * renews it. What is said about a job whose lease is somebody else's by now changes nothing.
 */
export interface JobEngine {
  /** Makes ready for these queues, once, before anything else. */
  open(queues: readonly JobQueue[]): Promise<void>;
  enqueue(jobs: readonly NewJob[]): Promise<void>;
  /** Leases jobs whose time has come, oldest first, at most `limit`. */
  fetch(queue: JobQueue, limit: number): Promise<readonly Job[]>;
  touch(queue: JobQueue, jobs: readonly Job[]): Promise<void>;
  complete(queue: JobQueue, jobs: readonly Job[]): Promise<void>;
  /** Puts a job back for its next attempt, or among the dead after its last. */
  fail(queue: JobQueue, job: Job, failure: Failure): Promise<void>;
  listDead(limit: number): Promise<readonly DeadJob[]>;
  close(): Promise<void>;
}

/** How long a lease lasts without being renewed. */
export const LEASE_MS = 10_000;
