import { randomUUID } from "node:crypto";
import type { DeadJob, Job, JobQueue, NewJob } from "#application/ports/jobs.ts";
import type { Failure } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { queries } from "../load-queries.ts";
import { all, get, run, type Script } from "../script.ts";

/* Jobs of a store on SQLite; see `SqliteJobEngine`. */

export interface LeaseJobs {
  readonly queue: JobQueue;
  readonly limit: number;
  readonly nowMs: number;
  readonly leaseUntilMs: number;
}

export interface JobAttempts {
  readonly queue: JobQueue;
  readonly jobs: readonly Pick<Job, "id" | "attempt">[];
}

const CLEANED_AT_ONCE = 200;
const DEAD_MS = 7 * 86_400_000;
const LOST: Failure = { code: "JOB_LOST", message: "The server stopped while the job ran" };

export function* insertJobs(jobs: readonly NewJob[], nowMs: number): Script<void> {
  for (const { queue, data, key, readyAtMs = nowMs } of jobs) {
    const jobId = key ?? randomUUID();
    yield* run(queries.insertJob, { queue, jobId, dataJson: JSON.stringify(data), readyAtMs });
  }
}

/** Whether `leaseJobs` would find anything. */
export function* hasJobs({ name: queue }: JobQueue, nowMs: number): Script<boolean> {
  const ready = yield* get(queries.findReadyJob, { queue, nowMs });
  return ready !== undefined || (yield* get(queries.findLostJob, { queue, nowMs })) !== undefined;
}

export function* leaseJobs({ queue, limit, nowMs, leaseUntilMs }: LeaseJobs): Script<Job[]> {
  const { name, attempts } = queue;
  for (const row of yield* all(queries.listLostJobs, { queue: name, nowMs })) {
    const lost = { id: row.job_id, attempt: row.attempt };
    yield* failJob({ queue, job: lost, failure: LOST, nowMs });
  }
  const rows = yield* all(queries.listReadyJobs, { queue: name, nowMs, limit });
  for (const { job_id: jobId } of rows) {
    yield* run(queries.leaseJob, { queue: name, jobId, leaseUntilMs });
  }
  return rows.map((row) => {
    const attempt = row.attempt + 1;
    const data = JSON.parse(row.data_json) as JsonValue;
    return { id: row.job_id, data, attempt, isLast: attempt >= attempts };
  });
}

export function* touchJobs({ queue, jobs }: JobAttempts, leaseUntilMs: number): Script<void> {
  for (const { id: jobId, attempt } of jobs) {
    yield* run(queries.touchJob, { queue: queue.name, jobId, attempt, leaseUntilMs });
  }
}

/** Ends jobs; deletes a few that have ended for long enough. */
export function* completeJobs({ queue, jobs }: JobAttempts, nowMs: number): Script<void> {
  const { name, keepMs } = queue;
  for (const { id: jobId, attempt } of jobs) {
    yield* run(queries.completeJob, { queue: name, jobId, attempt, nowMs });
  }
  for (const [state, agedMs] of [
    ["done", keepMs],
    ["dead", DEAD_MS],
  ] as const) {
    const old = { queue: name, state, beforeMs: nowMs - agedMs, limit: CLEANED_AT_ONCE };
    yield* run(queries.deleteEndedJobs, old);
  }
}

export interface FailJob {
  readonly queue: JobQueue;
  readonly job: Pick<Job, "id" | "attempt">;
  readonly failure: Failure;
  readonly nowMs: number;
}

export function* failJob({ queue, job, failure, nowMs }: FailJob): Script<void> {
  const { id: jobId, attempt } = job;
  const args = {
    queue: queue.name,
    jobId,
    attempt,
    failureCode: failure.code,
    failureMessage: failure.message,
  };
  if (attempt >= queue.attempts) {
    yield* run(queries.buryJob, { ...args, nowMs });
    return;
  }
  const delayMs = Math.min(queue.retryDelayMs * 2 ** (attempt - 1), queue.retryDelayMostMs);
  yield* run(queries.putJobBack, { ...args, readyAtMs: nowMs + delayMs });
}

/** Gives back what an earlier process had in hand. */
export function* voidLeases(queue: JobQueue, nowMs: number): Script<void> {
  for (const row of yield* all(queries.listLostJobs, { queue: queue.name, nowMs: LATEST_MS })) {
    yield* failJob({ queue, job: { id: row.job_id, attempt: row.attempt }, failure: LOST, nowMs });
  }
}

const LATEST_MS = Number.MAX_SAFE_INTEGER;

export function* listDeadJobs(limit: number): Script<DeadJob[]> {
  return (yield* all(queries.listDeadJobs, { limit })).map((row) => ({
    id: row.job_id,
    queue: row.queue,
    data: JSON.parse(row.data_json) as JsonValue,
    attempts: row.attempt,
    failure: { code: row.failure_code ?? "", message: row.failure_message ?? "" },
    diedAtMs: row.ended_at_ms ?? 0,
  }));
}
