import type { NowMs } from "#application/ports/clock.ts";
import type { DeadJob, Job, JobQueue, NewJob } from "#application/ports/jobs.ts";
import type { Failure } from "#domain/shared/fault.ts";
import type { ReadCaller, WriteCaller } from "../store/repositories.ts";
import { type JobEngine, LEASE_MS } from "./job-engine.ts";

export interface SqliteJobEngineOptions {
  readonly reader: ReadCaller;
  readonly writer: WriteCaller;
  readonly nowMs: NowMs;
}

/** Jobs in the store's own database. Nobody else works on them: earlier leases are void. */
export class SqliteJobEngine implements JobEngine {
  readonly #reader: ReadCaller;
  readonly #writer: WriteCaller;
  readonly #nowMs: NowMs;

  constructor({ reader, writer, nowMs }: SqliteJobEngineOptions) {
    this.#reader = reader;
    this.#writer = writer;
    this.#nowMs = nowMs;
  }

  async open(queues: readonly JobQueue[]): Promise<void> {
    for (const queue of queues) await this.#writer.call("voidLeases", queue, this.#nowMs());
  }

  enqueue(jobs: readonly NewJob[]): Promise<void> {
    return this.#writer.call("insertJobs", jobs, this.#nowMs());
  }

  async fetch(queue: JobQueue, limit: number): Promise<readonly Job[]> {
    const nowMs = this.#nowMs();
    if (!(await this.#reader.call("hasJobs", queue, nowMs))) return [];
    return this.#writer.call("leaseJobs", { queue, limit, nowMs, leaseUntilMs: nowMs + LEASE_MS });
  }

  touch(queue: JobQueue, jobs: readonly Job[]): Promise<void> {
    return this.#writer.call("touchJobs", { queue, jobs }, this.#nowMs() + LEASE_MS);
  }

  complete(queue: JobQueue, jobs: readonly Job[]): Promise<void> {
    return this.#writer.call("completeJobs", { queue, jobs }, this.#nowMs());
  }

  fail(queue: JobQueue, job: Job, failure: Failure): Promise<void> {
    return this.#writer.call("failJob", { queue, job, failure, nowMs: this.#nowMs() });
  }

  listDead(limit: number): Promise<readonly DeadJob[]> {
    return this.#reader.call("listDeadJobs", limit);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
