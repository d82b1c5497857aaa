import { createHash } from "node:crypto";
import type { Db, JobInsert, PgBoss } from "pg-boss";
import type { JobQueue, NewJob } from "#application/ports/jobs.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { LEASE_MS } from "./job-engine.ts";

/* What our jobs are to pg-boss. */

/** The schema of pg-boss's own tables. */
export const JOBS_SCHEMA = "nexflow_jobs";
/** Where dead jobs lie; nobody works on it. */
export const DEAD_QUEUE = "dead";

/** The data of a job: pg-boss takes objects only. */
export interface JobData {
  readonly value: JsonValue;
}

const SECOND_MS = 1_000;
const DEAD_SECONDS = 7 * 86_400;
/** pg-boss fails what takes longer; a job that lives renews its lease for as long as it needs. */
const JOB_SECONDS_MOST = 6 * 3_600;
const BACKLOG = 100_000;

/** Makes queues, or brings those that are there to what they are now. */
export async function createQueues(boss: PgBoss, queues: readonly JobQueue[]): Promise<void> {
  await boss.createQueue(DEAD_QUEUE, { retentionSeconds: DEAD_SECONDS });
  for (const queue of queues) {
    const options = toQueueOptions(queue);
    await boss.createQueue(queue.name, options);
    await boss.updateQueue(queue.name, options);
  }
}

/** Puts jobs on their queues over `db`: in its transaction, if it has one. */
export async function insertJobs(boss: PgBoss, db: Db, jobs: readonly NewJob[]): Promise<void> {
  for (const [queue, ofQueue] of Map.groupBy(jobs, (job) => job.queue)) {
    const inserts = withoutTwins(ofQueue).map(toInsert);
    await boss.insert(queue, inserts, { db, returnId: false });
  }
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
    warningQueueSize: BACKLOG,
  };
}

/** pg-boss takes a key once in each batch. */
function withoutTwins(jobs: readonly NewJob[]): readonly NewJob[] {
  const keys = new Set<string>();
  return jobs.filter(({ key }) => key === undefined || (!keys.has(key) && keys.add(key)));
}

function toInsert({ queue, data, key, readyAtMs }: NewJob): JobInsert {
  return {
    data: { value: data },
    ...(key === undefined ? {} : { id: toUuid(queue, key) }),
    ...(readyAtMs === undefined ? {} : { startAfter: new Date(readyAtMs) }),
  };
}

/** The id that every job of this key has (UUID version 8: the bits are our own). */
function toUuid(queue: string, key: string): string {
  const hash = createHash("sha256").update(`${queue} ${key}`).digest("hex");
  const parts = [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`];
  return [...parts, `a${hash.slice(17, 20)}`, hash.slice(20, 32)].join("-");
}
