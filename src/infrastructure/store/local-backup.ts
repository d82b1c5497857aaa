import { statSync } from "node:fs";
import path from "node:path";
import { Fault } from "#domain/shared/fault.ts";
import { readBackup, writeBackup } from "./backup/backup-file.ts";
import type { BackupHeader, BackupManifest, BackupSource } from "./backup/backup-format.ts";
import { openLocalStore, readSchemaStatus, type StoreAddress } from "./local-store.ts";
import { listMigratedTables } from "./migration-plan.ts";
import { locateStore, lockDirectory } from "./open-store.ts";

export interface BackupReport {
  readonly store: string;
  readonly takenAtMs: number;
  readonly bytes: number;
  readonly tables: Readonly<Record<string, number>>;
}

export interface RestoreReport {
  readonly store: string;
  readonly takenAtMs: number;
  readonly migrated: readonly string[];
  readonly movedTo: string | undefined;
  readonly tables: Readonly<Record<string, number>>;
}

/**
 * Writes a backup of a store, of one moment, while servers may run on it. Throws `Fault`:
 * `BACKUP_FAILED`, `STORE_UNAVAILABLE`, also where there is no store.
 */
export async function backUpStore(
  address: StoreAddress,
  { file, version }: { readonly file: string; readonly version: string },
): Promise<BackupReport> {
  const { applied } = await readSchemaStatus(address);
  if (applied.length === 0) {
    throw new Fault("STORE_UNAVAILABLE", "Cannot back up: there is no database yet");
  }
  const about = { version, migrations: applied, takenAtMs: Date.now() };
  const manifest = await withSource(address, about, (source) => writeBackup(file, source));
  const bytes = statSync(file).size;
  await recordBackup(address, { bytes, name: path.basename(file) });
  const { kind } = locateStore(address.homeDir, address.databaseUrl);
  return { store: kind, takenAtMs: about.takenAtMs, bytes, tables: countRows(manifest) };
}

/** Reads all of a backup. Throws `Fault` `BACKUP_INVALID` where it is not whole. */
export async function verifyBackupFile(file: string): Promise<BackupReport> {
  let header: BackupHeader | undefined;
  let manifest: BackupManifest = new Map();
  for await (const part of readBackup(file)) {
    if (part.kind === "header") header = part;
    if (part.kind === "manifest") manifest = part.tables;
  }
  const { store = "", takenAtMs = 0 } = header ?? {};
  return { store, takenAtMs, bytes: statSync(file).size, tables: countRows(manifest) };
}

/**
 * Puts a backup in the place of a store's data, all of it or nothing. Throws `Fault`:
 * `BACKUP_INVALID`, `STORE_NOT_EMPTY`, `STORE_LOCKED`, `STORE_TOO_NEW`, `STORE_UNAVAILABLE`.
 */
export async function restoreStore(
  address: StoreAddress,
  request: { readonly file: string; readonly isForced: boolean },
): Promise<RestoreReport> {
  const location = locateStore(address.homeDir, address.databaseUrl);
  const options = { ...request, nowMs: Date.now() };
  const restored =
    location.kind === "sqlite"
      ? await restoreDirectory(address.homeDir, location.file, options)
      : await restoreDatabase(location.url, options);
  const { header, manifest, migrated, movedTo } = restored;
  const { takenAtMs } = header;
  return { store: location.kind, takenAtMs, migrated, movedTo, tables: countRows(manifest) };
}

interface RestoreOptions {
  readonly file: string;
  readonly isForced: boolean;
  readonly nowMs: number;
}

async function restoreDirectory(homeDir: string, database: string, options: RestoreOptions) {
  const { restoreSqlite } = await import("./dialects/sqlite/restore-sqlite.ts");
  const { toFault } = await import("./dialects/sqlite/sqlite-connection.ts");
  const lock = lockDirectory(homeDir);
  try {
    return await restoreSqlite(database, options);
  } catch (error) {
    throw toFault(error, database);
  } finally {
    lock.close();
  }
}

async function restoreDatabase(url: string, options: RestoreOptions) {
  const { restorePostgres } = await import("./dialects/postgres/restore-postgres.ts");
  return { ...(await restorePostgres(url, options)), movedTo: undefined };
}

async function withSource<T>(
  address: StoreAddress,
  about: Omit<BackupHeader, "store">,
  work: (source: BackupSource) => Promise<T>,
): Promise<T> {
  const location = locateStore(address.homeDir, address.databaseUrl);
  const known = await listMigratedTables();
  if (location.kind === "postgres") {
    const { withClient } = await import("./dialects/postgres/migrate-postgres.ts");
    const { createPostgresSource } = await import("./dialects/postgres/postgres-tables.ts");
    const { toPostgresFault } = await import("./dialects/postgres/postgres-pool.ts");
    try {
      return await withClient(location.url, async (client) =>
        work(await createPostgresSource(client, known, about)),
      );
    } catch (error) {
      throw toPostgresFault(error);
    }
  }
  const { openSqlite } = await import("./dialects/sqlite/sqlite-connection.ts");
  const { createSqliteSource } = await import("./dialects/sqlite/sqlite-tables.ts");
  const { database } = openSqlite({ file: location.file, mode: "read" });
  try {
    return await work(createSqliteSource(database, known, about));
  } finally {
    database.close();
  }
}

/** On the audit log where it can be written: a backup of a store that is full is good all the same. */
async function recordBackup(
  address: StoreAddress,
  detail: { readonly bytes: number; readonly name: string },
): Promise<void> {
  try {
    const store = await openLocalStore(address);
    const facts = { atMs: Date.now(), actor: "system", subject: "store" } as const;
    const event = { ...facts, action: "backup.written", decision: "allowed", detail } as const;
    await store?.writer.call("appendAudit", [event]);
    await store?.[Symbol.asyncDispose]();
  } catch {
    // The backup says so itself.
  }
}

function countRows(manifest: BackupManifest): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from(manifest, ([name, { rows }]) => [name, rows]));
}
