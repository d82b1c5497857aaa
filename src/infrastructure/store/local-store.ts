import { existsSync } from "node:fs";
import { Fault } from "#domain/shared/fault.ts";
import { ADMIN } from "#domain/user/user.ts";
import { hashSecret, newSecret } from "../ids/ids.ts";
import { type ListCalls, listCalls, type RecordedCall } from "./list-calls.ts";
import { databaseFile, openStore } from "./open-store.ts";
import { type MigrationStatus, migrationStatus } from "./sqlite/migrate-sqlite.ts";
import { openSqlite } from "./sqlite/sqlite-connection.ts";
import { SqliteWriter } from "./sqlite/sqlite-writer.ts";

export interface LocalToken {
  readonly label: string;
  readonly lifeMs: number;
}

/*
 * What commands do on a data directory, beside a server that may be running on it.
 */

/**
 * A new token of the administrator, or `undefined` where the directory holds no database. Throws
 * `Fault` where the database cannot be used as it is.
 */
export function mintAdminToken(homeDir: string, { label, lifeMs }: LocalToken): string | undefined {
  const file = databaseFile(homeDir);
  if (!existsSync(file)) return undefined;
  assertCurrent(homeDir);
  const connection = openSqlite({ file, mode: "write" });
  try {
    const writer = new SqliteWriter(connection);
    const secret = newSecret();
    const createdAtMs = Date.now();
    const expiresAtMs = createdAtMs + lifeMs;
    const userId = ADMIN.id;
    const credential = { hash: hashSecret(secret), userId, label, createdAtMs, expiresAtMs };
    const write = connection.database.transaction(() => {
      writer.addUser({ ...ADMIN, createdAtMs });
      writer.addCredential({ ...credential, kind: "token" });
    });
    write.immediate();
    return secret;
  } finally {
    connection.close();
  }
}

/**
 * What is on record of skills' calls, or `undefined` where the directory holds no database. Throws
 * `Fault` where the database cannot be used as it is.
 */
export function readCalls(homeDir: string, query: ListCalls): readonly RecordedCall[] | undefined {
  const file = databaseFile(homeDir);
  if (!existsSync(file)) return undefined;
  assertCurrent(homeDir);
  const connection = openSqlite({ file, mode: "read" });
  try {
    return listCalls(connection, query);
  } finally {
    connection.close();
  }
}

/** What is applied and pending; in a directory without a database everything is pending. */
export function readSchemaStatus(homeDir: string): MigrationStatus {
  const file = databaseFile(homeDir);
  const connection = existsSync(file)
    ? openSqlite({ file, mode: "read" })
    : openSqlite({ file: ":memory:", mode: "write" });
  try {
    return migrationStatus(connection.database, file);
  } finally {
    connection.close();
  }
}

/** Makes or migrates the database and gives the names of what was applied. */
export async function migrateStore(homeDir: string): Promise<readonly string[]> {
  const { pending } = readSchemaStatus(homeDir);
  const store = await openStore(homeDir);
  await store[Symbol.asyncDispose]();
  return pending;
}

function assertCurrent(homeDir: string): void {
  const { pending } = readSchemaStatus(homeDir);
  if (pending.length === 0) return;
  throw new Fault(
    "STORE_UNAVAILABLE",
    `Cannot use the database in "${homeDir}": ${pending.length} migrations are pending, run "nexflow migrate"`,
  );
}
