import type { ClientBase } from "pg";
import type { BackupHeader, BackupSource, Row, TableShape } from "../../backup/backup-format.ts";
import { inOrderOfReference, type KnownTable, quote } from "../../backup/table-order.ts";
import { getTypeParser } from "./postgres-pool.ts";

/** A table with the types of its columns, as Postgres writes them. */
export interface PostgresTable extends KnownTable {
  readonly types: readonly string[];
  /** Columns whose values Postgres counts up by itself. */
  readonly counted: readonly string[];
}

const FETCH_ROWS = 200;
const INSERT_ROWS = 500;

const TABLES = `
  SELECT c.relname AS name,
    ARRAY(SELECT a.attname::text FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
    ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS types,
    ARRAY(SELECT a.attname::text FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attidentity <> '' ORDER BY a.attnum) AS counted,
    ARRAY(SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (num, place),
        pg_attribute a
      WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.num
      ORDER BY k.place) AS key,
    ARRAY(SELECT r.relname::text FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid
      WHERE f.conrelid = c.oid AND f.contype = 'f') AS "refersTo"
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = current_schema() AND c.relkind = 'r'`;

/** The tables of the connection's schema whose names are `known`, in the order of references. */
export async function listPostgresTables(
  client: ClientBase,
  known: ReadonlySet<string>,
): Promise<readonly PostgresTable[]> {
  const { rows } = await client.query<PostgresTable>(TABLES);
  return inOrderOfReference(rows, known);
}

/** The rows of a table in the order of its key; inside a transaction. */
export async function* readPostgresRows(
  client: ClientBase,
  { name, columns, types, key }: PostgresTable,
): AsyncGenerator<readonly Row[]> {
  const order = key.map((column) => {
    const isText = types[columns.indexOf(column)] === "text";
    return isText ? `${quote(column)} COLLATE "C"` : quote(column);
  });
  const select =
    `SELECT ${columns.map(quote).join(", ")} FROM ${quote(name)} ` + `ORDER BY ${order.join(", ")}`;
  await client.query(`DECLARE backup_rows NO SCROLL CURSOR FOR ${select}`);
  for (;;) {
    const fetch = { text: `FETCH ${FETCH_ROWS} FROM backup_rows`, rowMode: "array" } as const;
    const { rows } = await client.query<Row & unknown[]>({ ...fetch, types: { getTypeParser } });
    if (rows.length > 0) yield rows;
    if (rows.length < FETCH_ROWS) break;
  }
  await client.query("CLOSE backup_rows");
}

/** All data of one moment, while others go on writing; the caller ends the transaction. */
export async function createPostgresSource(
  client: ClientBase,
  known: ReadonlySet<string>,
  about: Omit<BackupHeader, "store">,
): Promise<BackupSource> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  const tables = await listPostgresTables(client, known);
  const find = ({ name }: TableShape) =>
    tables.find((table) => table.name === name) as PostgresTable;
  return {
    header: { ...about, store: "postgres" },
    tables,
    rows: (table) => readPostgresRows(client, find(table)),
  };
}

/** Inserts rows whose values stand in the order of the table's columns. */
export async function insertPostgresRows(
  client: ClientBase,
  { name, columns, types }: PostgresTable,
  rows: readonly Row[],
): Promise<void> {
  const names = columns.map(quote).join(", ");
  const lists = types.map((type, index) => `$${index + 1}::${type}[]`).join(", ");
  const text =
    `INSERT INTO ${quote(name)} (${names}) OVERRIDING SYSTEM VALUE ` +
    `SELECT * FROM unnest(${lists}) AS r (${names})`;
  for (let at = 0; at < rows.length; at += INSERT_ROWS) {
    const part = rows.slice(at, at + INSERT_ROWS);
    const values = columns.map((_, column) => part.map((row) => toPostgres(row[column] ?? null)));
    await client.query({ text, values });
  }
}

/** What Postgres counts goes on after the highest number that was put in. */
export async function advanceCounters(client: ClientBase, table: PostgresTable): Promise<void> {
  const name = quote(table.name);
  for (const column of table.counted) {
    const most = `max(${quote(column)})`;
    await client.query(
      `SELECT setval(pg_get_serial_sequence($1, $2), ${most}) FROM ${name} HAVING ${most} IS NOT NULL`,
      [name, column],
    );
  }
}

/** SQLite takes the character 0 in a text, Postgres does not. */
function toPostgres(cell: Row[number]): unknown {
  if (typeof cell === "string") return cell.replaceAll("\0", "\u{fffd}");
  return cell instanceof Uint8Array ? Buffer.from(cell) : cell;
}
