import type { DeadJob, JobHandler, JobQueue, Jobs, NewJob } from "#application/ports/jobs.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { JobEngine } from "./job-engine.ts";
import { QueueWorker } from "./queue-worker.ts";

export interface JobRunnerOptions {
  readonly engine: JobEngine;
  readonly log: Logger;
  /** How often an idle queue is looked at. */
  readonly pollMs?: number;
}

const POLL_MS = 500;
const REOPEN_MS = 1_000;

/** Runs jobs, wherever they are kept. */
export class JobRunner implements Jobs {
  readonly #options: Required<JobRunnerOptions>;
  readonly #workers = new Map<string, QueueWorker>();
  readonly #queues: JobQueue[] = [];
  #starting: Promise<void> | undefined;
  #mode: "new" | "starting" | "running" | "stopped" = "new";

  constructor({ pollMs = POLL_MS, ...options }: JobRunnerOptions) {
    this.#options = { ...options, pollMs };
  }

  work(queue: JobQueue, handle: JobHandler): void {
    if (this.#mode !== "new") throw new Error(`Cannot work on "${queue.name}": jobs run already`);
    this.#queues.push(queue);
    this.#workers.set(queue.name, new QueueWorker({ ...this.#options, queue, handle }));
  }

  async start(): Promise<void> {
    if (this.#mode !== "new") throw new Error(`Cannot start jobs: they are "${this.#mode}"`);
    this.#mode = "starting";
    this.#starting = this.#open();
    await this.#starting;
  }

  async enqueue(jobs: readonly NewJob[]): Promise<void> {
    await this.#options.engine.enqueue(jobs);
    for (const name of new Set(jobs.map(({ queue }) => queue))) this.wake(name);
  }

  wake(queue: string): void {
    this.#workers.get(queue)?.wake();
  }

  listDead(limit: number): Promise<readonly DeadJob[]> {
    return this.#options.engine.listDead(limit);
  }

  async stop(drainMs: number): Promise<void> {
    if (this.#mode === "stopped") return;
    this.#mode = "stopped";
    await this.#starting;
    await Promise.all(Array.from(this.#workers.values(), (worker) => worker.stop(drainMs)));
    const { engine, log } = this.#options;
    // Whatever cannot be closed any more is gone with its database; the rest of the server is not.
    await engine.close().catch((error: unknown) => log.warn({ error }, "Cannot close the jobs"));
  }

  /** Opens what keeps the jobs, however long that needs. */
  async #open(): Promise<void> {
    const { engine, log } = this.#options;
    while (this.#mode === "starting") {
      try {
        await engine.open(this.#queues);
        // It may have been stopped meanwhile.
        if (this.#mode === "starting") this.#run();
      } catch (error) {
        log.error({ error }, "Cannot begin to work on jobs; trying again");
        await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
      }
    }
  }

  #run(): void {
    this.#mode = "running";
    for (const worker of this.#workers.values()) worker.start();
  }
}
