import type { Job, JobHandler, JobQueue } from "#application/ports/jobs.ts";
import type { Logger } from "#application/ports/logger.ts";
import { toFailure } from "#domain/shared/fault.ts";
import { failpoint } from "../failpoints/failpoints.ts";
import { type JobEngine, LEASE_MS } from "./job-engine.ts";

export interface QueueWorkerOptions {
  readonly queue: JobQueue;
  readonly handle: JobHandler;
  readonly engine: JobEngine;
  readonly pollMs: number;
  readonly log: Logger;
}

interface JobInHand {
  readonly job: Job;
  readonly controller: AbortController;
}

const TOUCH_EVERY_MS = LEASE_MS / 4;
/** Jobs that end within this time are told to the engine together. */
const SETTLE_MS = 5;
const RETRY_MS = 500;
/** How long a handler may take to heed its signal when the server stops. */
const ABORT_MS = 1_000;

/** Works on one queue: fetches jobs when there is room, renews their leases, tells how they end. */
export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #inHand = new Set<JobInHand>();
  readonly #runs = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #touching: NodeJS.Timeout | undefined;
  #settling: Promise<void> | undefined;
  /** Jobs whose handlers are done, of which the engine is yet to hear. */
  #done: Job[] = [];
  #touchedAtMs = 0;
  #isWoken = false;
  /** The last look at the queue failed. */
  #isBlind = false;
  #wakeUp: () => void = () => undefined;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#touching = setInterval(() => void this.#touch(), TOUCH_EVERY_MS);
    this.#loop = this.#run();
  }

  /** Looks at the queue now. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp();
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort();
    this.#wakeUp();
    await this.#loop;
    const ended = Promise.allSettled(this.#runs);
    await Promise.race([ended, after(drainMs)]);
    this.#abortAll("The server is stopping");
    await Promise.race([ended, after(ABORT_MS)]);
    clearInterval(this.#touching);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const isFull = await this.#fill();
      const least = Math.ceil(this.#options.queue.concurrency / 2);
      // More may be waiting: go on as soon as there is room for a batch of them.
      if (isFull && this.#room >= least) continue;
      await this.#pause(isFull ? () => this.#room >= least : () => this.#isWoken);
    }
  }

  get #room(): number {
    return this.#options.queue.concurrency - this.#inHand.size;
  }

  /** Takes as many jobs as there is room for. True where there may be more of them. */
  async #fill(): Promise<boolean> {
    const { engine, queue, log } = this.#options;
    const room = this.#room;
    if (room === 0) return true;
    this.#isWoken = false;
    try {
      const jobs = await engine.fetch(queue, room);
      this.#isBlind = false;
      for (const job of jobs) this.#begin(job);
      return jobs.length === room;
    } catch (error) {
      // It is said once, however long it lasts.
      if (!this.#isBlind)
        log.error({ queue: queue.name, error }, "Cannot fetch jobs; trying again");
      this.#isBlind = true;
      return false;
    }
  }

  /** Waits until `isOver`, for the next look at the queue at most. */
  async #pause(isOver: () => boolean): Promise<void> {
    if (isOver() || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.pollMs);
      this.#wakeUp = () => {
        if (!isOver() && !this.#stopping.signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #begin(job: Job): void {
    failpoint("job:begin");
    const inHand = { job, controller: new AbortController() };
    if (this.#inHand.size === 0) this.#touchedAtMs = performance.now();
    this.#inHand.add(inHand);
    const run = this.#handle(inHand).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  /** Never rejects. */
  async #handle(inHand: JobInHand): Promise<void> {
    const { engine, queue, handle, log } = this.#options;
    const { job, controller } = inHand;
    try {
      await handle(job, controller.signal);
      failpoint("job:handled");
      this.#done.push(job);
      await (this.#settling ??= this.#settle());
    } catch (error) {
      // What was given up is left to its lease: whoever has it next counts the attempt.
      if (!controller.signal.aborted) {
        const level = job.isLast ? "error" : "warn";
        const about = { queue: queue.name, jobId: job.id, attempt: job.attempt, error };
        log[level](about, job.isLast ? "A job is dead" : "A job failed; it runs again later");
        await engine.fail(queue, job, toFailure(error)).catch((failed: unknown) => {
          log.error({ queue: queue.name, jobId: job.id, error: failed }, "Cannot put a job back");
        });
      }
    } finally {
      this.#inHand.delete(inHand);
      this.#wakeUp();
    }
  }

  /** Tells the engine of all jobs that are done, until it has heard. Never rejects. */
  async #settle(): Promise<void> {
    const { engine, queue, log } = this.#options;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    this.#settling = undefined;
    const jobs = this.#done;
    this.#done = [];
    for (let tries = 0; tries * RETRY_MS < LEASE_MS; tries++) {
      try {
        await engine.complete(queue, jobs);
        failpoint("job:completed");
        return;
      } catch (error) {
        log.error({ queue: queue.name, error }, "Cannot end jobs; trying again");
        if (this.#stopping.signal.aborted) return;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #touch(): Promise<void> {
    const { engine, queue, log } = this.#options;
    if (this.#inHand.size === 0) return;
    try {
      await engine.touch(
        queue,
        Array.from(this.#inHand, ({ job }) => job),
      );
      this.#touchedAtMs = performance.now();
    } catch (error) {
      log.error({ queue: queue.name, error }, "Cannot renew the leases of jobs");
      if (performance.now() - this.#touchedAtMs > LEASE_MS) this.#abortAll("The lease ran out");
    }
  }

  #abortAll(reason: string): void {
    for (const { controller } of this.#inHand) controller.abort(new Error(reason));
  }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
