import { createHash } from "node:crypto";
import { type Db, type JobInsert, PgBoss } from "pg-boss";
import { z } from "zod";
import type { DeadJob, Job, JobQueue, NewJob } from "#application/ports/jobs.ts";
import type { Logger } from "#application/ports/logger.ts";
import { type Failure, Fault } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { type JobEngine, LEASE_MS } from "./job-engine.ts";

export interface PgBossEngineOptions {
  readonly connectionString: string;
  readonly log: Logger;
  /** The schema of pg-boss's own tables. */
  readonly schema?: string;
}

const JOBS_SCHEMA = "nexflow_jobs";

const POOL_MOST = 4;
/** Where dead jobs lie; nobody works on it. */
const DEAD_QUEUE = "dead";
const DEAD_DAYS = 7;
const SECOND_MS = 1_000;
/** A dead instance's jobs are found this long after their leases ran out. */
const MONITOR_SECONDS = 2;
const CLEAN_UP_SECONDS = 60;
const DAY_SECONDS = 86_400;
/** pg-boss fails what takes longer; a job that lives renews its lease for as long as it needs. */
const JOB_SECONDS_MOST = 6 * 3_600;

/**
 * Jobs in Postgres, kept by pg-boss in a schema of its own. It polls and needs no LISTEN, so it
 * works behind a transaction pooler.
 */
export class PgBossEngine implements JobEngine {
  readonly #boss: PgBoss;
  readonly #log: Logger;

  constructor({ connectionString, log, schema = JOBS_SCHEMA }: PgBossEngineOptions) {
    this.#log = log;
    this.#boss = new PgBoss({
      connectionString,
      schema,
      max: POOL_MOST,
      application_name: "nexflow-jobs",
      schedule: false,
      registerInstance: false,
      superviseIntervalSeconds: MONITOR_SECONDS,
      monitorIntervalSeconds: MONITOR_SECONDS,
      maintenanceIntervalSeconds: CLEAN_UP_SECONDS,
    });
    this.#boss.on("error", (error) => log.error({ error }, "pg-boss reports an error"));
    this.#boss.on("warning", ({ message, data }) => log.warn({ ...data }, message));
  }

  async open(queues: readonly JobQueue[]): Promise<void> {
    await this.#try("open", async () => {
      await this.#boss.start();
      const retentionSeconds = DEAD_DAYS * DAY_SECONDS;
      await this.#boss.createQueue(DEAD_QUEUE, { retentionSeconds });
      for (const queue of queues) {
        const options = toQueueOptions(queue);
        await this.#boss.createQueue(queue.name, options);
        await this.#boss.updateQueue(queue.name, options);
      }
    });
  }

  async enqueue(jobs: readonly NewJob[]): Promise<void> {
    await this.#try("enqueue", () => this.enqueueOn(this.#boss.getDb(), jobs));
  }

  /** Puts jobs on their queues over a connection of the caller's: in its transaction. */
  async enqueueOn(db: Db, jobs: readonly NewJob[]): Promise<void> {
    for (const [queue, ofQueue] of Map.groupBy(jobs, (job) => job.queue)) {
      const inserts = withoutTwins(ofQueue).map(toInsert);
      await this.#boss.insert(queue, inserts, { db, returnId: false });
    }
  }

  async fetch(queue: JobQueue, limit: number): Promise<readonly Job[]> {
    const options = { batchSize: limit, includeMetadata: true, priority: false } as const;
    const found = await this.#try("fetch", () => this.#boss.fetch<JobData>(queue.name, options));
    return found.map(({ id, data, retryCount, retryLimit }) => {
      const isLast = retryCount >= retryLimit;
      return { id, data: data.value, attempt: retryCount + 1, isLast };
    });
  }

  async touch({ name }: JobQueue, jobs: readonly Job[]): Promise<void> {
    await this.#try("touch", () => this.#boss.touch(name, jobs.map(toAttempt)));
  }

  async complete({ name }: JobQueue, jobs: readonly Job[]): Promise<void> {
    await this.#try("complete", () => this.#boss.complete(name, jobs.map(toAttempt)));
  }

  async fail({ name }: JobQueue, job: Job, failure: Failure): Promise<void> {
    await this.#try("fail", () => this.#boss.fail(name, [toAttempt(job)], { ...failure }));
  }

  async listDead(limit: number): Promise<readonly DeadJob[]> {
    const dead = await this.#try("list", () => this.#boss.findJobs<JobData>(DEAD_QUEUE));
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

  async #try<T>(verb: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#log.debug({ error }, `Cannot ${verb} jobs`);
      throw new Fault("STORE_UNAVAILABLE", `Cannot ${verb} jobs: the database did not do it`, {
        cause: error,
      });
    }
  }
}

/** pg-boss takes objects only. */
interface JobData {
  readonly value: JsonValue;
}

function toQueueOptions(queue: JobQueue) {
  return {
    retryLimit: queue.attempts - 1,
    retryDelay: Math.ceil(queue.retryDelayMs / SECOND_MS),
    retryBackoff: true,
    retryDelayMax: Math.ceil(queue.retryDelayMostMs / SECOND_MS),
    heartbeatSeconds: LEASE_MS / SECOND_MS,
    expireInSeconds: JOB_SECONDS_MOST,
    deleteAfterSeconds: Math.ceil(queue.keepMs / SECOND_MS),
    deadLetter: DEAD_QUEUE,
    warningQueueSize: 100_000,
  };
}

function toInsert({ queue, data, key }: NewJob): JobInsert {
  return { data: { value: data }, ...(key === undefined ? {} : { id: toUuid(queue, key) }) };
}

/** pg-boss takes a key once in each batch. */
function withoutTwins(jobs: readonly NewJob[]): readonly NewJob[] {
  const keys = new Set<string>();
  return jobs.filter(({ key }) => key === undefined || (!keys.has(key) && keys.add(key)));
}

/** The id that every job of this key has (UUID version 8: the bits are our own). */
function toUuid(queue: string, key: string): string {
  const hash = createHash("sha256").update(`${queue} ${key}`).digest("hex");
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`];
  return [...parts, `a${hash.slice(17, 20)}`, hash.slice(20, 32)].join("-");
}

/** Names the attempt, so that one whose lease ran out cannot end the next. */
function toAttempt({ id, attempt }: Job) {
  return { id, retryCount: attempt - 1 };
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
