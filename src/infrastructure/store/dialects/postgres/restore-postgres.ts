import pg, { type ClientBase } from "pg";
import { Fault } from "#domain/shared/fault.ts";
import { JOBS_SCHEMA } from "../../../jobs/pg-boss-jobs.ts";
import { type BackupManifest, createTableSum } from "../../backup/backup-format.ts";
import { type BackupTarget, type LoadedBackup, loadBackup } from "../../backup/load-backup.ts";
import { quote } from "../../backup/table-order.ts";
import { listMigratedTables } from "../../migration-plan.ts";
import { toMigrationStatus } from "../../migration-status.ts";
import { awaitScript } from "../../script.ts";
import { finishRestore } from "../../scripts/restore-scripts.ts";
import { JobSender } from "./job-sender.ts";
import { migrateInTransaction, withClient } from "./migrate-postgres.ts";
import { perform, toPostgresFault } from "./postgres-pool.ts";
import {
  advanceCounters,
  insertPostgresRows,
  listPostgresTables,
  type PostgresTable,
  readPostgresRows,
} from "./postgres-tables.ts";

export interface RestorePostgres {
  readonly file: string;
  /** Also over other data, which is then gone. */
  readonly isForced: boolean;
  readonly nowMs: number;
}

/**
 * Puts a backup in the place of a database's tables of ours, in one transaction. Throws `Fault`:
 * `STORE_LOCKED` where an instance runs on it, `STORE_NOT_EMPTY` where it has data.
 */
export async function restorePostgres(
  url: string,
  options: RestorePostgres,
): Promise<LoadedBackup & { readonly migrated: readonly string[] }> {
  const known = await listMigratedTables();
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  // A connection that breaks fails its statement; unheard, it would end the process as well.
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("error", () => undefined);
  const jobs = new JobSender(pool);
  try {
    await jobs.open();
    return await withClient(url, async (client) => {
      await client.query("BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'");
      // Where anything fails the connection ends, and the transaction with it.
      await clear(client, known, options.isForced);
      const loaded = await loadBackup(options.file, createTarget(client, known));
      const migrated = await migrateInTransaction(client);
      const { takenAtMs, store: from } = loaded.header;
      const script = finishRestore({ nowMs: options.nowMs, takenAtMs, from });
      await client.query("DELETE FROM job");
      await awaitScript(script, (step) =>
        step.kind === "enqueue" ? jobs.enqueue(client, step.jobs) : perform(client, step),
      );
      await client.query("COMMIT");
      return { ...loaded, migrated };
    });
  } catch (error) {
    throw toPostgresFault(error);
  } finally {
    await jobs.close();
    await pool.end();
  }
}

/** Leaves nothing of ours in the database. */
async function clear(
  client: ClientBase,
  known: ReadonlySet<string>,
  isForced: boolean,
): Promise<void> {
  const tables = await listPostgresTables(client, known);
  await client.query("SET LOCAL lock_timeout = 10000");
  if (tables.length > 0) {
    const { rows } = await client.query<{ name: string }>("SELECT name FROM kysely_migration");
    toMigrationStatus(
      rows.map(({ name }) => name),
      "the Postgres database",
    );
    await assertUnused(client, tables);
    if (!isForced) await assertEmpty(client);
  }
  for (const { name } of tables.toReversed()) await client.query(`DROP TABLE ${quote(name)}`);
  for (const name of ["kysely_migration", "kysely_migration_lock"]) {
    await client.query(`DROP TABLE IF EXISTS ${name}`);
  }
  // Jobs belong to the data that they were made for.
  await client.query(`DELETE FROM ${JOBS_SCHEMA}.job`);
}

async function assertUnused(client: ClientBase, tables: readonly PostgresTable[]): Promise<void> {
  if (!tables.some(({ name }) => name === "instance")) return;
  const { rowCount } = await client.query(
    `SELECT 1 FROM instance
     WHERE expires_at_ms > extract(epoch FROM clock_timestamp()) * 1000 LIMIT 1`,
  );
  if (rowCount === 0) return;
  throw new Fault(
    "STORE_LOCKED",
    "Cannot restore into the Postgres database: an instance of Nexflow runs on it; stop them all " +
      "and wait 15 s where one was killed",
  );
}

/** A store that nobody has used has nothing but its administrator. */
async function assertEmpty(client: ClientBase): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT 1 FROM session UNION ALL SELECT 1 FROM "user" WHERE user_id <> 'admin' LIMIT 1`,
  );
  if (rowCount === 0) return;
  throw new Fault(
    "STORE_NOT_EMPTY",
    "Cannot restore over the data of the Postgres database: use --force to delete it",
  );
}

function createTarget(client: ClientBase, known: ReadonlySet<string>): BackupTarget {
  let tables: readonly PostgresTable[] = [];
  return {
    begin: async (migrations) => {
      await migrateInTransaction(client, { only: migrations });
      tables = await listPostgresTables(client, known);
      for (const { name } of tables.toReversed()) await client.query(`DELETE FROM ${quote(name)}`);
    },
    insert: async ({ name, columns }, rows) => {
      const table = tables.find((each) => each.name === name);
      if (table === undefined)
        throw new RangeError(`Cannot restore table "${name}": it is unknown`);
      const types = columns.map((column) => table.types[table.columns.indexOf(column)] ?? "text");
      await insertPostgresRows(client, { ...table, columns, types }, rows);
    },
    end: async () => {
      for (const table of tables) await advanceCounters(client, table);
      return sumUp(client, tables);
    },
  };
}

async function sumUp(
  client: ClientBase,
  tables: readonly PostgresTable[],
): Promise<BackupManifest> {
  const sums = new Map();
  for (const table of tables) {
    const sum = createTableSum();
    for await (const rows of readPostgresRows(client, table)) sum.add(rows);
    sums.set(table.name, sum.end());
  }
  return sums;
}
