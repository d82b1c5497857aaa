import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { Fault } from "#domain/shared/fault.ts";
import {
  CREATE_JOURNAL,
  loadMigrations,
  type MigrateOptions,
  pendingStatements,
} from "../../migration-plan.ts";
import { type MigrationStatus, toMigrationStatus } from "../../migration-status.ts";
import { assertSound } from "./assert-sound.ts";

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
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const { applied, pending } = migrationStatus(database, file);
  if (pending.length === 0) return [];
  const last = applied.at(-1);
  if (last !== undefined) keepCopy(database, `${file}.${last}.bak`);
  return applyMigrations(database, file, options);
}

/** As `migrateSqlite`, for a database of which no copy is wanted. */
export async function applyMigrations(
  database: Database.Database,
  file: string,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const migrations = await loadMigrations("sqlite", options);
  const migrate = database.transaction(() => {
    database.exec(CREATE_JOURNAL);
    const done: string[] = [];
    const journal = database.prepare("INSERT INTO kysely_migration VALUES (?, ?)");
    for (const step of pendingStatements(migrations, appliedMigrations(database), options)) {
      if ("sql" in step) database.exec(step.sql);
      else {
        journal.run(step.applied, new Date().toISOString());
        done.push(step.applied);
      }
    }
    assertReferences(database);
    return done;
  });
  try {
    return migrate.immediate();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot migrate the database "${file}": ${reason}; it is as it was before`;
    throw new Fault("STORE_UNAVAILABLE", message, { cause });
  }
}

function appliedMigrations(database: Database.Database): string[] {
  const table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'kysely_migration'";
  if (database.prepare(table).get() === undefined) return [];
  const rows = database.prepare("SELECT name FROM kysely_migration ORDER BY name").all();
  return (rows as { name: string }[]).map(({ name }) => name);
}

function assertReferences(database: Database.Database): void {
  const [broken] = database.pragma("foreign_key_check") as { table: string }[];
  if (broken !== undefined) {
    throw new Error(`Table "${broken.table}" would refer to rows that are not there`);
  }
}

/**
 * A whole copy at one moment, also beside others who write, that can take the database's place.
 * It has its name when it is on the disk and was read again.
 */
function keepCopy(database: Database.Database, file: string): void {
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  database.prepare("VACUUM INTO ?").run(partial);
  const copy = new Database(partial);
  try {
    assertSound(copy, partial);
  } finally {
    copy.close();
  }
  syncPath(partial);
  renameSync(partial, file);
  syncPath(path.dirname(file));
}

/** What was written to a file, or the names in a folder, are on the disk after this. */
export function syncPath(file: string): void {
  const fd = openSync(file, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
