import type { JobQueue } from "./jobs.ts";

const MINUTE_MS = 60_000;

/** Every queue there is. */
export const JOB_QUEUES = {
  /** Carries out firings of schedules. A full server is no failure: such jobs wait a long time. */
  firing: {
    name: "firing",
    concurrency: 32,
    attempts: 100,
    retryDelayMs: 1_000,
    retryDelayMostMs: 30_000,
    keepMs: MINUTE_MS,
  },
  /** Ends questions that nobody has answered in time: `{ approvalId }`. */
  expireApproval: {
    name: "expire-approval",
    concurrency: 8,
    attempts: 100,
    retryDelayMs: 1_000,
    retryDelayMostMs: 30_000,
    keepMs: MINUTE_MS,
  },
  /** Tells a session how a task that went on without its turn has ended: `{ taskId }`. */
  reportTask: {
    name: "report-task",
    concurrency: 8,
    attempts: 100,
    retryDelayMs: 1_000,
    retryDelayMostMs: 30_000,
    keepMs: MINUTE_MS,
  },
  /** Deletes what has had its time. */
  maintenance: {
    name: "maintenance",
    concurrency: 1,
    attempts: 5,
    retryDelayMs: MINUTE_MS,
    retryDelayMostMs: 10 * MINUTE_MS,
    keepMs: 120 * MINUTE_MS,
  },
} as const satisfies Readonly<Record<string, JobQueue>>;
