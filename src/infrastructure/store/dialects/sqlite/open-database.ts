import { renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { auditUpgrade } from "../../scripts/audit-scripts.ts";
import { assertSound } from "./assert-sound.ts";
import { findDatabase, UNFINISHED } from "./database-files.ts";
import { migrateSqlite, syncPath } from "./migrate-sqlite.ts";
import { openSqlite, type SqliteConnection } from "./sqlite-connection.ts";

/** Reading a database through takes about a second for a GiB; a larger one is not, at the start. */
const CHECKED_BYTES = 256 * 1_048_576;

/**
 * Opens the database of a server, with the newest schema; makes one where there never was one.
 * Throws `Fault`, see `openStore`.
 */
export async function openDatabase(file: string): Promise<SqliteConnection> {
  if (!findDatabase(file)) await makeDatabase(file);
  const connection = openSqlite({ file, mode: "write" });
  try {
    if (statSync(file).size <= CHECKED_BYTES) assertSound(connection.database, file);
    const migrated = await migrateSqlite(connection.database, file);
    connection.database.transaction(() => connection.run(auditUpgrade(migrated))).immediate();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** It gets its name when it is whole: an empty file under that name is what is left of another. */
async function makeDatabase(file: string): Promise<void> {
  const unfinished = file + UNFINISHED;
  for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(unfinished + end, { force: true });
  const connection = openSqlite({ file: unfinished, mode: "write" });
  try {
    await migrateSqlite(connection.database, unfinished);
  } finally {
    connection.close();
  }
  syncPath(unfinished);
  renameSync(unfinished, file);
  syncPath(path.dirname(file));
}
