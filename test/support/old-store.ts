import Database from "better-sqlite3";
import pg from "pg";
import { quote } from "#infrastructure/store/backup/table-order.ts";
import { migratePostgres } from "#infrastructure/store/dialects/postgres/migrate-postgres.ts";
import {
  insertPostgresRows,
  listPostgresTables,
} from "#infrastructure/store/dialects/postgres/postgres-tables.ts";
import {
  applyMigrations,
  migrateSqlite,
} from "#infrastructure/store/dialects/sqlite/migrate-sqlite.ts";
import {
  insertSqliteRows,
  listSqliteTables,
} from "#infrastructure/store/dialects/sqlite/sqlite-tables.ts";
import { listMigratedTables, type MigrateOptions } from "#infrastructure/store/migration-plan.ts";
import { openTestDatabase } from "./postgres.ts";
import { openTempDir } from "./temp-dir.ts";

/** A database with any schema that there was, for tests of migrations. */
export interface OldStore extends AsyncDisposable {
  readonly kind: "sqlite" | "postgres";
  /** Its file or its address. */
  readonly place: string;
  migrate(options?: MigrateOptions): Promise<readonly string[]>;
  /** Puts a row into every table: each text is "x", each number 2. */
  fill(): Promise<void>;
  /** All rows of all tables, by table. */
  rows(): Promise<Readonly<Record<string, readonly object[]>>>;
  /** What the database itself says of its tables and indexes. */
  schema(): Promise<readonly unknown[]>;
}

/** Names and openers, for suites. */
export const OLD_STORES = [
  ["SQLite", openOldSqlite],
  ["Postgres", openOldPostgres],
] as const;

async function openOldSqlite(): Promise<OldStore> {
  const dir = await openTempDir();
  const place = `${dir.path}/nexflow.db`;
  const known = await listMigratedTables();
  const use = async <T>(work: (database: Database.Database) => T | Promise<T>) => {
    const database = new Database(place);
    try {
      return await work(database);
    } finally {
      database.close();
    }
  };
  return {
    kind: "sqlite",
    place,
    // Where there is nothing yet, or a test makes an old schema, no copy is wanted.
    migrate: (options) =>
      use((database) =>
        options?.only === undefined
          ? migrateSqlite(database, place, options)
          : applyMigrations(database, place, options),
      ),
    fill: () =>
      use((database) => {
        for (const { name, columns } of listSqliteTables(database, known)) {
          const info = database.pragma(`table_info(${quote(name)})`) as { type: string }[];
          const row = info.map(({ type }) => valueOf(type));
          insertSqliteRows(database, { name, columns }, [row]);
        }
      }),
    rows: () =>
      use((database) =>
        Object.fromEntries(
          listSqliteTables(database, known).map(({ name }) => [
            name,
            database.prepare(`SELECT * FROM ${quote(name)}`).all() as object[],
          ]),
        ),
      ),
    schema: () =>
      use((database) =>
        database.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2").all(),
      ),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

async function openOldPostgres(): Promise<OldStore> {
  const server = await openTestDatabase();
  const known = await listMigratedTables();
  const use = async <T>(work: (client: pg.Client) => Promise<T>) => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  return {
    kind: "postgres",
    place: server.url,
    migrate: (options) => migratePostgres(server.url, options),
    fill: () =>
      use(async (client) => {
        for (const table of await listPostgresTables(client, known)) {
          await insertPostgresRows(client, table, [table.types.map(valueOf)]);
        }
      }),
    rows: () =>
      use(async (client) => {
        const found: Record<string, readonly object[]> = {};
        for (const { name } of await listPostgresTables(client, known)) {
          found[name] = (await client.query<object>(`SELECT * FROM ${quote(name)}`)).rows;
        }
        return found;
      }),
    schema: () =>
      use(async (client) => {
        const columns = await client.query(
          `SELECT table_name, column_name, ordinal_position, data_type, collation_name, is_nullable,
             column_default, is_identity
           FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 3`,
        );
        const indexes = await client.query(
          "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1",
        );
        const rules = await client.query(
          `SELECT conrelid::regclass::text AS name, pg_get_constraintdef(oid) AS def FROM pg_constraint
           WHERE connamespace = current_schema()::regnamespace ORDER BY 1, 2`,
        );
        return [columns.rows, indexes.rows, rules.rows];
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function valueOf(type: string): string | number | Uint8Array {
  if (/^(?:TEXT|character varying)/iu.test(type)) return "x";
  return /^(?:BLOB|bytea)$/iu.test(type) ? Buffer.from([1]) : 2;
}
