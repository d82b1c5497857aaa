import type pg from "pg";
import type { PgBoss } from "pg-boss";
import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import type { NewJob } from "#application/ports/jobs.ts";
import { createQueues, insertJobs, JOBS_SCHEMA } from "../../../jobs/pg-boss-jobs.ts";

/** A transaction has jobs and the sender is not open: open it, and begin the transaction anew. */
export const JOBS_NOT_OPEN = new Error("Cannot enqueue jobs: their sender is not open");

/**
 * Puts jobs on pg-boss's queues in the transactions of scripts. It opens over a connection of its
 * own: a transaction that waited for that could wait for ever, where all others do so too.
 */
export class JobSender {
  readonly #pool: pg.Pool;
  #opening: Promise<PgBoss> | undefined;
  #boss: PgBoss | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Makes the tables and queues that are missing. */
  async open(): Promise<void> {
    this.#opening ??= this.#start();
    try {
      this.#boss = await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Rejects with `JOBS_NOT_OPEN` before `open`. */
  async enqueue(client: pg.ClientBase, jobs: readonly NewJob[]): Promise<void> {
    if (this.#boss === undefined) throw JOBS_NOT_OPEN;
    await insertJobs(this.#boss, toDb(client), jobs);
  }

  async close(): Promise<void> {
    const boss = await this.#opening?.catch(() => undefined);
    // It holds nothing that would outlive the pool.
    await boss?.stop({ graceful: false }).catch(() => undefined);
  }

  async #start(): Promise<PgBoss> {
    const { PgBoss: Boss } = await import("pg-boss");
    const boss = new Boss({
      db: toDb(this.#pool),
      schema: JOBS_SCHEMA,
      supervise: false,
      schedule: false,
      registerInstance: false,
    });
    // It looks after its list of queues now and then; where that fails it tries again.
    boss.on("error", () => undefined);
    await boss.start();
    await createQueues(boss, Object.values(JOB_QUEUES));
    return boss;
  }
}

function toDb(client: pg.Pool | pg.ClientBase) {
  return {
    executeSql: (text: string, values?: unknown[]) => client.query<pg.QueryResultRow>(text, values),
  };
}
