import { Fault } from "#domain/shared/fault.ts";
import { type MigrationStatus, toMigrationStatus } from "../../migration-status.ts";
import { PostgresPool, toPostgresFault } from "./postgres-pool.ts";

/** Which migrations a database has and lacks. Throws `Fault` `STORE_TOO_NEW`. */
export async function postgresMigrationStatus(pool: PostgresPool): Promise<MigrationStatus> {
  const [found] = await pool.query<{ name: string | null }>(
    "SELECT to_regclass('kysely_migration')::text AS name",
  );
  if ((found?.name ?? null) === null) return toMigrationStatus([], "the Postgres database");
  const rows = await pool.query<{ name: string }>(
    "SELECT name FROM kysely_migration ORDER BY name",
  );
  const applied = rows.map(({ name }) => name);
  return toMigrationStatus(applied, "the Postgres database");
}

/**
 * Brings a Postgres database to the newest schema, in one transaction and under a lock, and gives
 * the names of what was applied. Throws `Fault`: `STORE_TOO_NEW`, `STORE_UNAVAILABLE`.
 */
export async function migratePostgres(url: string): Promise<readonly string[]> {
  const pool = new PostgresPool({ url, maxConnections: 1 });
  try {
    const { pending } = await postgresMigrationStatus(pool);
    if (pending.length > 0) await migrate(url);
    return pending;
  } finally {
    await pool.close();
  }
}

async function migrate(url: string): Promise<void> {
  const [{ Kysely, PostgresDialect }, { default: pg }, { applyMigrations }] = await Promise.all([
    import("kysely"),
    import("pg"),
    import("../../apply-migrations.ts"),
  ]);
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    application_name: "nexflow migrate",
  });
  // A connection that breaks fails its statement; unheard, it would end the thread as well.
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("error", () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const error = await applyMigrations(db, "postgres");
    if (error !== undefined) throw toPostgresFault(error);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw toPostgresFault(error);
  } finally {
    await db.destroy();
  }
}
