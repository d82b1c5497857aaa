import { type Kysely, sql } from "kysely";
import { Migrator } from "kysely/migration";
import { loadMigration, MIGRATION_NAMES } from "./migrations.ts";
import type { Dialect } from "./query.ts";

/** Who waits for a lock on a table holds up everybody behind it. */
const LOCK_TIMEOUT = "SET LOCAL lock_timeout = '10s'";

/**
 * Brings a database to the newest schema, in one transaction and under a lock: of several programs
 * that try at once one migrates and the others wait. Gives the error where it could not.
 */
export async function applyMigrations(db: Kysely<unknown>, dialect: Dialect): Promise<unknown> {
  const migrations = await Promise.all(
    MIGRATION_NAMES.map(async (name) => {
      const statements = await loadMigration(name, dialect);
      const up = async (transaction: Kysely<unknown>) => {
        if (dialect === "postgres") await sql.raw(LOCK_TIMEOUT).execute(transaction);
        for (const statement of statements) await sql.raw(statement).execute(transaction);
      };
      return [name, { up }] as const;
    }),
  );
  const provider = { getMigrations: async () => Object.fromEntries(migrations) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  return error;
}
