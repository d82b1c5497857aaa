import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import type Database from "better-sqlite3";
import { Fault } from "#domain/shared/fault.ts";
import { type BackupManifest, createTableSum } from "../../backup/backup-format.ts";
import { type BackupTarget, type LoadedBackup, loadBackup } from "../../backup/load-backup.ts";
import { type KnownTable, quote } from "../../backup/table-order.ts";
import { listMigratedTables } from "../../migration-plan.ts";
import { finishRestore } from "../../scripts/restore-scripts.ts";
import { assertSound } from "./assert-sound.ts";
import { BEFORE_RESTORE } from "./database-files.ts";
import { applyMigrations, syncPath } from "./migrate-sqlite.ts";
import { openSqlite, type SqliteConnection } from "./sqlite-connection.ts";
import { insertSqliteRows, listSqliteTables, readSqliteRows } from "./sqlite-tables.ts";

export interface RestoreOptions {
  readonly file: string;
  /** Also where there is data. */
  readonly isForced: boolean;
  readonly nowMs: number;
}

export interface Restored extends LoadedBackup {
  /** Migrations that the backup lacked. */
  readonly migrated: readonly string[];
  /** Where what was there before has been put. */
  readonly movedTo: string | undefined;
}

const ENDS = ["", "-wal", "-shm", "-journal"];

/**
 * Builds a database of a backup beside the one at `database` and puts it in its place at one go.
 * The other one is kept under another name. The caller holds the directory.
 */
export async function restoreSqlite(
  database: string,
  { file, isForced, nowMs }: RestoreOptions,
): Promise<Restored> {
  if (existsSync(database) && !isForced) {
    throw new Fault(
      "STORE_NOT_EMPTY",
      `Cannot restore over the database "${database}": use --force to put it aside`,
    );
  }
  const building = `${database}.restoring`;
  removeAll(building);
  try {
    const restored = await build(building, file, nowMs);
    syncPath(building);
    const movedTo = putAside(database, nowMs);
    renameSync(building, database);
    syncPath(path.dirname(database));
    return { ...restored, movedTo };
  } finally {
    removeAll(building);
  }
}

async function build(building: string, file: string, nowMs: number) {
  const known = await listMigratedTables();
  const connection = openSqlite({ file: building, mode: "write" });
  const { database } = connection;
  try {
    // Until it is whole nobody misses it: nothing needs to be safe.
    database.pragma("journal_mode = OFF");
    database.pragma("synchronous = OFF");
    database.pragma("foreign_keys = OFF");
    const loaded = await loadBackup(file, createTarget(database, building, known));
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("foreign_keys = ON");
    const migrated = await applyMigrations(database, building);
    finish(connection, { loaded, nowMs });
    assertSound(database, building);
    return { ...loaded, migrated };
  } finally {
    connection.close();
  }
}

function createTarget(
  database: Database.Database,
  building: string,
  known: ReadonlySet<string>,
): BackupTarget {
  let tables: readonly KnownTable[] = [];
  return {
    begin: async (migrations) => {
      await applyMigrations(database, building, { only: migrations });
      tables = listSqliteTables(database, known);
      for (const { name } of tables.toReversed()) database.exec(`DELETE FROM ${quote(name)}`);
      database.exec("BEGIN");
    },
    insert: async (table, rows) => {
      if (!known.has(table.name)) {
        throw new RangeError(`Cannot restore table "${table.name}": it is unknown`);
      }
      insertSqliteRows(database, table, rows);
    },
    end: async () => {
      database.exec("COMMIT");
      return sumUp(database, tables);
    },
  };
}

async function sumUp(
  database: Database.Database,
  tables: readonly KnownTable[],
): Promise<BackupManifest> {
  const sums = new Map();
  for (const table of tables) {
    const sum = createTableSum();
    for await (const rows of readSqliteRows(database, table)) sum.add(rows);
    sums.set(table.name, sum.end());
  }
  return sums;
}

function finish(
  connection: SqliteConnection,
  { loaded: { header }, nowMs }: { readonly loaded: LoadedBackup; readonly nowMs: number },
): void {
  const { takenAtMs, store: from } = header;
  const script = finishRestore({ nowMs, takenAtMs, from });
  connection.database.transaction(() => connection.run(script)).immediate();
}

/** Keeps a database under another name, with its log where that could not be worked into it. */
function putAside(database: string, nowMs: number): string | undefined {
  const log = `${database}-wal`;
  if (!existsSync(database) && !existsSync(log)) return undefined;
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/gu, "");
  const aside = `${database}${BEFORE_RESTORE}${stamp}`;
  // SQLite throws away a log that it cannot read.
  if (existsSync(log)) copyFileSync(log, `${aside}-wal`);
  if (existsSync(database)) {
    if (workIn(database)) rmSync(`${aside}-wal`, { force: true });
    keepAs(database, aside);
  }
  for (const end of ENDS.slice(1)) rmSync(database + end, { force: true });
  return aside;
}

/** Has the log go into the database, where it can be opened. */
function workIn(database: string): boolean {
  try {
    const connection = openSqlite({ file: database, mode: "write" });
    connection.database.pragma("wal_checkpoint(TRUNCATE)");
    connection.close();
    return true;
  } catch {
    // It is damaged, which may be why somebody restores: it is kept as it is.
    return false;
  }
}

/** The old name stays until the new database takes it. */
function keepAs(database: string, aside: string): void {
  try {
    linkSync(database, aside);
  } catch {
    copyFileSync(database, aside);
    syncPath(aside);
  }
}

function removeAll(file: string): void {
  for (const end of ENDS) rmSync(file + end, { force: true });
}
