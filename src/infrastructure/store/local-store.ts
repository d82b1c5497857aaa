import { Fault } from "#domain/shared/fault.ts";
import { parseCredentialId } from "#domain/shared/id.ts";
import { systemCreated } from "#domain/user/credential.ts";
import { ADMIN } from "#domain/user/user.ts";
import { hashSecret, newId, newSecret } from "../ids/ids.ts";
import type { MigrationStatus } from "./migration-status.ts";
import { locateStore, openStore } from "./open-store.ts";
import type { ReadCaller, WriteCaller } from "./repositories.ts";
import type { ListCalls, RecordedCall } from "./scripts/list-calls.ts";
import type { StoreLocation } from "./store-protocol.ts";

export interface LocalToken {
  readonly kind: "link" | "token";
  readonly label: string;
  readonly lifeMs: number;
}

/** The store of a configuration, as commands reach it. */
export interface StoreAddress {
  readonly homeDir: string;
  readonly databaseUrl: string | undefined;
}

/*
 * What commands do on a store, beside a server that may be running on it.
 */

/** A store that is open in this thread. */
export interface LocalStore extends AsyncDisposable {
  readonly reader: ReadCaller;
  readonly writer: WriteCaller;
}

/**
 * Opens a store for a command, or gives `undefined` where there is none yet. Throws `Fault` where
 * it cannot be used as it is.
 */
export async function openLocalStore(address: StoreAddress): Promise<LocalStore | undefined> {
  const location = locateStore(address.homeDir, address.databaseUrl);
  if (location.kind === "sqlite" && !(await hasDatabase(location.file))) return undefined;
  const { applied, pending } = await readStatus(location);
  if (applied.length === 0) return undefined;
  if (pending.length > 0) {
    throw new Fault(
      "STORE_UNAVAILABLE",
      `Cannot use the database: ${pending.length} migrations are pending, run "nexflow migrate"`,
    );
  }
  return location.kind === "sqlite" ? openSqliteStore(location.file) : openPostgresStore(location);
}

/**
 * A new token of the administrator, or `undefined` where there is no store yet. Throws `Fault`
 * where it cannot be used as it is.
 */
export async function mintAdminToken(
  address: StoreAddress,
  { kind, label, lifeMs }: LocalToken,
): Promise<string | undefined> {
  const store = await openLocalStore(address);
  if (store === undefined) return undefined;
  try {
    const secret = newSecret();
    const createdAtMs = Date.now();
    const expiresAtMs = createdAtMs + lifeMs;
    const id = parseCredentialId(newId());
    const credential = { id, hash: hashSecret(secret), kind, userId: ADMIN.id, label };
    const times = { createdAtMs, expiresAtMs };
    await store.writer.call("addUser", { ...ADMIN, createdAtMs });
    await store.writer.call(
      "addCredential",
      { ...credential, scopes: "all", ...times },
      systemCreated(credential, createdAtMs),
    );
    return secret;
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

/**
 * What is on record of skills' calls, or `undefined` where there is no store yet. Throws `Fault`
 * where it cannot be used as it is.
 */
export async function readCalls(
  address: StoreAddress,
  query: ListCalls,
): Promise<readonly RecordedCall[] | undefined> {
  const store = await openLocalStore(address);
  try {
    return await store?.reader.call("listCalls", query);
  } finally {
    await store?.[Symbol.asyncDispose]();
  }
}

/** What is applied and pending; where there is no database everything is pending. */
export function readSchemaStatus(address: StoreAddress): Promise<MigrationStatus> {
  return readStatus(locateStore(address.homeDir, address.databaseUrl));
}

/** Makes or migrates the database and gives the names of what was applied. */
export async function migrateStore(address: StoreAddress): Promise<readonly string[]> {
  const { pending } = await readSchemaStatus(address);
  const store = await openStore(address.homeDir, address.databaseUrl);
  await store[Symbol.asyncDispose]();
  return pending;
}

async function readStatus(location: StoreLocation): Promise<MigrationStatus> {
  if (location.kind === "postgres") return readPostgresStatus(location.url);
  const { migrationStatus } = await import("./dialects/sqlite/migrate-sqlite.ts");
  const { openSqlite } = await import("./dialects/sqlite/sqlite-connection.ts");
  const { file } = location;
  const connection = (await hasDatabase(file))
    ? openSqlite({ file, mode: "read" })
    : openSqlite({ file: ":memory:", mode: "write" });
  try {
    return migrationStatus(connection.database, file);
  } finally {
    connection.close();
  }
}

async function hasDatabase(file: string): Promise<boolean> {
  const { findDatabase } = await import("./dialects/sqlite/database-files.ts");
  return findDatabase(file);
}

async function readPostgresStatus(url: string): Promise<MigrationStatus> {
  const { PostgresPool } = await import("./dialects/postgres/postgres-pool.ts");
  const { postgresMigrationStatus } = await import("./dialects/postgres/migrate-postgres.ts");
  const pool = new PostgresPool({ url, maxConnections: 1 });
  try {
    return await postgresMigrationStatus(pool);
  } finally {
    await pool.close();
  }
}

async function openSqliteStore(file: string): Promise<LocalStore> {
  const { openSqlite } = await import("./dialects/sqlite/sqlite-connection.ts");
  const { createSqliteReadCaller, createSqliteWriteCaller } = await import(
    "./dialects/sqlite/sqlite-callers.ts"
  );
  const connection = openSqlite({ file, mode: "write" });
  return {
    reader: createSqliteReadCaller(() => connection),
    writer: createSqliteWriteCaller(connection),
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}

async function openPostgresStore({ url }: { readonly url: string }): Promise<LocalStore> {
  const { PostgresPool } = await import("./dialects/postgres/postgres-pool.ts");
  const { createPostgresCallers } = await import("./dialects/postgres/postgres-callers.ts");
  const pool = new PostgresPool({ url, maxConnections: 2 });
  return { ...createPostgresCallers(pool), [Symbol.asyncDispose]: () => pool.close() };
}
