import pg from "pg";
import { Fault } from "#domain/shared/fault.ts";
import { bind } from "../../query.ts";
import { awaitScript, type Script, type Step } from "../../script.ts";
import { Gate } from "./gate.ts";
import { JOBS_NOT_OPEN, JobSender } from "./job-sender.ts";

export interface PostgresPoolOptions {
  readonly url: string;
  readonly maxConnections?: number;
}

const INT8 = 20;
/** Connections that reads leave to writes: however many come back at once, leases are renewed. */
const KEPT_FOR_WRITES = 2;
const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of ours takes so long; a migration sets its own. */
const STATEMENT_TIMEOUT_MS = 30_000;
/**
 * A process that is stopped in the middle of a transaction must not keep what it locked: others
 * would wait for it for ever. Said here, since poolers take no settings when a connection is made.
 */
const NO_LONG_REST = "SET LOCAL idle_in_transaction_session_timeout = '5s'";
const BEGIN = `BEGIN; ${NO_LONG_REST}`;
/** All statements of such a transaction see the same moment. */
const BEGIN_READING = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${NO_LONG_REST}`;
/** How often a transaction is tried that another one got in the way of. */
const MAX_TRIES = 5;
/** Serialization failure, deadlock, unique violation: another transaction came first. */
const COLLISIONS: ReadonlySet<string> = new Set(["40001", "40P01", "23505"]);

/**
 * Connections to a Postgres database, each made when it is needed. Statements have no names, so a
 * transaction pooler may stand in between.
 */
export class PostgresPool {
  readonly #pool: pg.Pool;
  readonly #jobs: JobSender;
  readonly #reading: Gate;

  constructor({ url, maxConnections = 10 }: PostgresPoolOptions) {
    this.#pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      application_name: "nexflow",
      keepAlive: true,
      types: { getTypeParser },
    });
    const width = Math.max(1, maxConnections - KEPT_FOR_WRITES);
    this.#reading = new Gate({ width, waitMs: STATEMENT_TIMEOUT_MS });
    // A resting connection that breaks is replaced by the next query.
    this.#pool.on("error", () => undefined);
    this.#jobs = new JobSender(this.#pool);
  }

  /** Runs one statement outside a transaction. Rejects with `Fault`. */
  async query<Row extends pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw toPostgresFault(error);
    }
  }

  /** Runs a script that only reads. Rejects with `Fault`. */
  async read<T>(script: Script<T>): Promise<T> {
    try {
      return await this.#reading.run(() =>
        awaitScript(script, (step) => perform(this.#pool, step)),
      );
    } catch (error) {
      throw toPostgresFault(error);
    }
  }

  /** Runs a script all of whose reads see the same moment. Rejects with `Fault`. */
  async readAtOnce<T>(script: Script<T>): Promise<T> {
    try {
      return await this.#reading.run(() =>
        this.transact(
          (client) => awaitScript(script, (step) => perform(client, step)),
          BEGIN_READING,
        ),
      );
    } catch (error) {
      throw toPostgresFault(error);
    }
  }

  /** Runs a script in a transaction, anew where another transaction got in its way. */
  async write<T>(start: () => Script<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.transact((client) => {
          return awaitScript(start(), (step) =>
            step.kind === "enqueue" ? this.#jobs.enqueue(client, step.jobs) : perform(client, step),
          );
        });
      } catch (error) {
        if (error === JOBS_NOT_OPEN) await this.#openJobs();
        else if (attempt >= MAX_TRIES || !isCollision(error)) throw toPostgresFault(error);
      }
    }
  }

  /** Runs `work` in a transaction of one connection. Rejects with what `work` or Postgres throws. */
  async transact<T>(work: (client: pg.ClientBase) => Promise<T>, begin = BEGIN): Promise<T> {
    const client = await this.#pool.connect();
    let isBroken = false;
    // The pool listens only while a connection rests; unheard, its break would end the thread.
    const onError = () => {
      isBroken = true;
    };
    client.on("error", onError);
    try {
      await client.query(begin);
      const result = await work(client);
      await client.query("COMMIT");
      return result;
    } catch (error) {
      await client.query("ROLLBACK").catch(() => {
        isBroken = true;
      });
      throw error;
    } finally {
      client.off("error", onError);
      client.release(isBroken);
    }
  }

  async close(): Promise<void> {
    await this.#jobs.close();
    await this.#pool.end();
  }

  async #openJobs(): Promise<void> {
    try {
      await this.#jobs.open();
    } catch (error) {
      throw toPostgresFault(error);
    }
  }
}

/** Whether a transaction failed only because another one came first. */
export function isCollision(error: unknown): boolean {
  return COLLISIONS.has(codeOf(error));
}

/** A Postgres error as people should hear of it; it never shows the address, which has a password. */
export function toPostgresFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const reason = error instanceof Error ? error.message || codeOf(error) : String(error);
  const message = `Cannot use the Postgres database: ${reason}`;
  return new Fault("STORE_UNAVAILABLE", message, { cause: error });
}

export async function perform(client: pg.Pool | pg.ClientBase, step: Step) {
  if (step.kind === "enqueue") throw new TypeError("Cannot enqueue jobs in a script that reads");
  const { kind, query, args } = step;
  const { postgres } = query;
  const result = await client.query<pg.QueryResultRow>(postgres.sql, bind(postgres, args));
  if (kind === "run") return result.rowCount ?? 0;
  return kind === "get" ? result.rows[0] : result.rows;
}

/** Counters and times are whole numbers far below 2^53. */
export function getTypeParser(oid: number, format?: "text" | "binary"): unknown {
  return oid === INT8 ? Number : pg.types.getTypeParser(oid, format);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
