import type { DeadJob, Job, JobQueue, NewJob } from "../../../src/application/ports/jobs.ts";
import type { Failure } from "../../../src/domain/shared/fault.ts";
import { type JobEngine, LEASE_MS } from "../../../src/infrastructure/jobs/job-engine.ts";

interface KeptJob {
  readonly id: string;
  readonly job: NewJob;
  attempt: number;
  readyAtMs: number;
  state: "waiting" | "leased" | "done" | "dead";
  leaseUntilMs: number;
}

/** Jobs that several engines of one process may share, as instances share a database. */
export class MemoryJobs {
  readonly kept = new Map<string, KeptJob>();
  readonly dead: DeadJob[] = [];
}

/** Keeps jobs in memory. */
export function createMemoryJobEngine(
  { kept, dead }: MemoryJobs,
  nowMs: () => number = Date.now,
): JobEngine {
  const owned = (job: Job) => {
    const found = kept.get(job.id);
    return found?.state === "leased" && found.attempt === job.attempt ? found : undefined;
  };
  const putBack = (queue: JobQueue, found: KeptJob, failure: Failure) => {
    if (found.attempt >= queue.attempts) {
      found.state = "dead";
      const { id, attempt: attempts } = found;
      const { data } = found.job;
      dead.push({ id, queue: queue.name, data, attempts, failure, diedAtMs: nowMs() });
      return;
    }
    const delayMs = queue.retryDelayMs * 2 ** (found.attempt - 1);
    found.state = "waiting";
    found.readyAtMs = nowMs() + Math.min(delayMs, queue.retryDelayMostMs);
  };
  return {
    open: () => Promise.resolve(),
    async enqueue(jobs) {
      for (const job of jobs) {
        const id = `${job.queue}:${job.key ?? kept.size}`;
        if (kept.has(id)) continue;
        const readyAtMs = job.readyAtMs ?? nowMs();
        kept.set(id, { id, job, attempt: 0, readyAtMs, state: "waiting", leaseUntilMs: 0 });
      }
    },
    async fetch(queue, limit) {
      const ofQueue = Array.from(kept.values()).filter(({ job }) => job.queue === queue.name);
      for (const lost of ofQueue) {
        if (lost.state !== "leased" || lost.leaseUntilMs > nowMs()) continue;
        putBack(queue, lost, { code: "JOB_LOST", message: "The lease ran out" });
      }
      const isReady = (each: KeptJob) => each.state === "waiting" && each.readyAtMs <= nowMs();
      return ofQueue
        .filter(isReady)
        .slice(0, limit)
        .map((each) => {
          each.state = "leased";
          each.attempt += 1;
          each.leaseUntilMs = nowMs() + LEASE_MS;
          const { id, attempt } = each;
          return { id, data: each.job.data, attempt, isLast: attempt >= queue.attempts };
        });
    },
    async touch(_queue, jobs) {
      for (const job of jobs) {
        const found = owned(job);
        if (found !== undefined) found.leaseUntilMs = nowMs() + LEASE_MS;
      }
    },
    async complete(_queue, jobs) {
      for (const job of jobs) {
        const found = owned(job);
        if (found !== undefined) found.state = "done";
      }
    },
    async fail(queue, job, failure) {
      const found = owned(job);
      if (found !== undefined) putBack(queue, found, failure);
    },
    listDead: (limit) => Promise.resolve(dead.toReversed().slice(0, limit)),
    close: () => Promise.resolve(),
  };
}
