import pg, { type ClientBase } from "pg";
import {
  CREATE_JOURNAL,
  loadMigrations,
  type MigrateOptions,
  pendingStatements,
} from "../../migration-plan.ts";
import { type MigrationStatus, toMigrationStatus } from "../../migration-status.ts";
import { getTypeParser, isCollision, type PostgresPool, toPostgresFault } from "./postgres-pool.ts";

/** Who waits for a lock holds up everybody behind it: better to let them by and try again. */
const LOCK_TIMEOUT_MS = 5_000;
const PATIENCE_MS = 120_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Of this program among all that use advisory locks in the database. */
const LOCK_KEY = 7_420_001;
const LOCK_NOT_AVAILABLE = "55P03";
const WHAT = "the Postgres database";

/** Which migrations a database has and lacks. Throws `Fault` `STORE_TOO_NEW`. */
export async function postgresMigrationStatus(pool: PostgresPool): Promise<MigrationStatus> {
  const [found] = await pool.query<{ name: string | null }>(FIND_JOURNAL);
  if ((found?.name ?? null) === null) return toMigrationStatus([], WHAT);
  const rows = await pool.query<{ name: string }>(LIST_APPLIED);
  const applied = rows.map(({ name }) => name);
  return toMigrationStatus(applied, WHAT);
}

/**
 * Brings a Postgres database to the newest schema, in one transaction and under a lock, and gives
 * the names of what was applied: of several programs that try at once one migrates, the others
 * wait. Throws `Fault`: `STORE_TOO_NEW`, `STORE_UNAVAILABLE`.
 */
export async function migratePostgres(
  url: string,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await withClient(url, (client) => tryMigrate(client, options));
    } catch (error) {
      const mayTryAgain = isCollision(error) || codeOf(error) === LOCK_NOT_AVAILABLE;
      if (!mayTryAgain || Date.now() > deadline) throw toPostgresFault(error);
    }
  }
}

/**
 * Applies what a database lacks, inside a transaction of the caller's. Rejects with what Postgres
 * says, and with `Fault` `STORE_TOO_NEW`.
 */
export async function migrateInTransaction(
  client: ClientBase,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const migrations = await loadMigrations("postgres", options);
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK_KEY]);
  await client.query(CREATE_JOURNAL);
  const { rows } = await client.query<{ name: string }>(LIST_APPLIED);
  const { applied } = toMigrationStatus(
    rows.map(({ name }) => name),
    WHAT,
  );
  const done: string[] = [];
  for (const step of pendingStatements(migrations, applied, options)) {
    if ("sql" in step) await client.query(step.sql);
    else {
      const values = [step.applied, new Date().toISOString()];
      await client.query("INSERT INTO kysely_migration VALUES ($1, $2)", values);
      done.push(step.applied);
    }
  }
  return done;
}

/** Runs `work` on a connection of its own, without any limit on how long a statement takes. */
export async function withClient<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: "nexflow",
    keepAlive: true,
    types: { getTypeParser },
  });
  // Where the connection breaks the statement under way says so.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

const FIND_JOURNAL = "SELECT to_regclass('kysely_migration')::text AS name";
const LIST_APPLIED = "SELECT name FROM kysely_migration ORDER BY name";

async function tryMigrate(client: pg.Client, options: MigrateOptions): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string | null }>(FIND_JOURNAL);
  if ((rows[0]?.name ?? null) !== null) {
    const applied = await client.query<{ name: string }>(LIST_APPLIED);
    const names = applied.rows.map(({ name }) => name);
    if (toMigrationStatus(names, WHAT).pending.length === 0) return [];
  }
  // A process that is stopped does not keep its locks.
  await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'");
  // Where it fails the connection ends, and the transaction with it.
  const done = await migrateInTransaction(client, options);
  await client.query("COMMIT");
  return done;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
