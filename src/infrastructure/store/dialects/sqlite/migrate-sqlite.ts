import { copyFileSync } from "node:fs";
import type Database from "better-sqlite3";
import { Fault } from "#domain/shared/fault.ts";
import { type MigrationStatus, toMigrationStatus } from "../../migration-status.ts";

/** Which migrations a database has and lacks. Throws `Fault` `STORE_TOO_NEW`, see `migrateSqlite`. */
export function migrationStatus(database: Database.Database, file: string): MigrationStatus {
  const applied = appliedMigrations(database);
  return toMigrationStatus(applied, `the database "${file}"`);
}

/**
 * Brings a database to the newest schema, in one transaction, and gives the names of what was
 * applied. A database that holds data is copied beside itself first. Throws `Fault`
 * `STORE_TOO_NEW` where a newer program wrote it.
 */
export async function migrateSqlite(
  database: Database.Database,
  file: string,
): Promise<readonly string[]> {
  const { applied, pending } = migrationStatus(database, file);
  if (pending.length === 0) return [];
  if (applied.length > 0) backUp(database, file, applied.at(-1) as string);
  // The caller owns the connection: the migrator must not close it.
  const lent = new Proxy(database, {
    get: (target, key) => {
      if (key === "close") return () => undefined;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const [{ Kysely, SqliteDialect }, { applyMigrations }] = await Promise.all([
    import("kysely"),
    import("../../apply-migrations.ts"),
  ]);
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: lent }) });
  const error = await applyMigrations(db, "sqlite");
  if (error !== undefined) {
    throw new Fault("STORE_UNAVAILABLE", `Cannot migrate the database "${file}"`, { cause: error });
  }
  return pending;
}

function appliedMigrations(database: Database.Database): string[] {
  const table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kysely_migration'";
  if (database.prepare(table).get() === undefined) return [];
  const rows = database.prepare("SELECT name FROM kysely_migration ORDER BY name").all();
  return (rows as { name: string }[]).map(({ name }) => name);
}

function backUp(database: Database.Database, file: string, version: string): void {
  database.pragma("wal_checkpoint(TRUNCATE)");
  copyFileSync(file, `${file}.${version}.bak`);
}
