import { PgBoss } from "pg-boss";
import { z } from "zod";
import type { DeadJob, Job, JobQueue, NewJob } from "#application/ports/jobs.ts";
import type { Logger } from "#application/ports/logger.ts";
import { type Failure, Fault } from "#domain/shared/fault.ts";
import type { JobEngine } from "./job-engine.ts";
import { createQueues, DEAD_QUEUE, insertJobs, JOBS_SCHEMA, type JobData } from "./pg-boss-jobs.ts";

export interface PgBossEngineOptions {
  readonly connectionString: string;
  readonly log: Logger;
}

const POOL_MOST = 4;
/** A dead instance's jobs are found this long after their leases ran out. */
const MONITOR_SECONDS = 2;
const CLEAN_UP_SECONDS = 60;

/**
 * Jobs in Postgres, kept by pg-boss in a schema of its own. It polls and needs no LISTEN, so it
 * works behind a transaction pooler.
 */
export class PgBossEngine implements JobEngine {
  readonly #boss: PgBoss;

  constructor({ connectionString, log }: PgBossEngineOptions) {
    this.#boss = new PgBoss({
      connectionString,
      schema: JOBS_SCHEMA,
      max: POOL_MOST,
      application_name: "nexflow-jobs",
      schedule: false,
      registerInstance: false,
      superviseIntervalSeconds: MONITOR_SECONDS,
      monitorIntervalSeconds: MONITOR_SECONDS,
      maintenanceIntervalSeconds: CLEAN_UP_SECONDS,
    });
    this.#boss.on("error", (error) => log.error({ error }, "The keeper of jobs has an error"));
    this.#boss.on("warning", ({ message, data }) => log.warn({ data }, message));
  }

  async open(queues: readonly JobQueue[]): Promise<void> {
    await attempt("open", async () => {
      await this.#boss.start();
      await createQueues(this.#boss, queues);
    });
  }

  async enqueue(jobs: readonly NewJob[]): Promise<void> {
    await attempt("enqueue", () => insertJobs(this.#boss, this.#boss.getDb(), jobs));
  }

  async fetch({ name }: JobQueue, limit: number): Promise<readonly Job[]> {
    const options = { batchSize: limit, includeMetadata: true } as const;
    const found = await attempt("fetch", () => this.#boss.fetch<JobData>(name, options));
    return found.map(({ id, data, retryCount, retryLimit }) => {
      const isLast = retryCount >= retryLimit;
      return { id, data: data.value, attempt: retryCount + 1, isLast };
    });
  }

  async touch({ name }: JobQueue, jobs: readonly Job[]): Promise<void> {
    await attempt("touch", () => this.#boss.touch(name, jobs.map(toAttempt)));
  }

  async complete({ name }: JobQueue, jobs: readonly Job[]): Promise<void> {
    await attempt("complete", () => this.#boss.complete(name, jobs.map(toAttempt)));
  }

  async fail({ name }: JobQueue, job: Job, failure: Failure): Promise<void> {
    await attempt("fail", () => this.#boss.fail(name, [toAttempt(job)], { ...failure }));
  }

  async listDead(limit: number): Promise<readonly DeadJob[]> {
    const dead = await attempt("list", () => this.#boss.findJobs<JobData>(DEAD_QUEUE));
    return dead
      .toReversed()
      .slice(0, limit)
      .map((job) => ({
        id: job.sourceId ?? job.id,
        queue: job.sourceName ?? DEAD_QUEUE,
        data: job.data.value,
        attempts: (job.sourceRetryCount ?? 0) + 1,
        failure: toFailure(job.sourceOutput),
        diedAtMs: job.createdOn.getTime(),
      }));
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: true });
  }
}

async function attempt<T>(verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Cannot ${verb} jobs in the Postgres database: ${reason}`;
    throw new Fault("STORE_UNAVAILABLE", message, { cause: error });
  }
}

/** Names the attempt, so that one whose lease ran out cannot end the next. */
function toAttempt({ id, attempt: number }: Job) {
  return { id, retryCount: number - 1 };
}

const Output = z.union([
  z.object({ code: z.string(), message: z.string() }),
  z
    .object({ value: z.object({ message: z.string() }) })
    .transform(({ value }) => ({ code: "JOB_LOST", message: value.message })),
]);

function toFailure(output: unknown): Failure {
  const parsed = Output.safeParse(output);
  return parsed.success ? parsed.data : { code: "INTERNAL", message: "The job left no reason" };
}
