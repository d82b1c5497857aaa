import type Database from "better-sqlite3";
import type { BackupHeader, BackupSource, Row, TableShape } from "../../backup/backup-format.ts";
import { inOrderOfReference, type KnownTable, quote } from "../../backup/table-order.ts";

const BATCH_ROWS = 500;
const BATCH_CHARS = 1_048_576;

/** The tables of a database whose names are `known`, in the order of their references. */
export function listSqliteTables(
  database: Database.Database,
  known: ReadonlySet<string>,
): readonly KnownTable[] {
  const names = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .pluck()
    .all() as string[];
  const tables = names
    .filter((name) => known.has(name))
    .map((each) => describeTable(database, each));
  return inOrderOfReference(tables, known);
}

function describeTable(database: Database.Database, name: string): KnownTable {
  const columns = database.pragma(`table_info(${quote(name)})`) as ColumnInfo[];
  const foreign = database.pragma(`foreign_key_list(${quote(name)})`) as { table: string }[];
  const key = columns.filter(({ pk }) => pk > 0).toSorted((one, other) => one.pk - other.pk);
  return {
    name,
    columns: columns.map((column) => column.name),
    key: key.map((column) => column.name),
    refersTo: foreign.map(({ table }) => table),
  };
}

interface ColumnInfo {
  readonly name: string;
  readonly pk: number;
}

/** The rows of a table in the order of its key. */
export async function* readSqliteRows(
  database: Database.Database,
  { name, columns, key }: KnownTable,
): AsyncGenerator<readonly Row[]> {
  const list = (names: readonly string[]) => names.map(quote).join(", ");
  const select = `SELECT ${list(columns)} FROM ${quote(name)} ORDER BY ${list(key)}`;
  let batch: Row[] = [];
  let chars = 0;
  for (const row of database.prepare(select).raw().iterate() as Iterable<Row>) {
    batch.push(row);
    for (const cell of row) if (typeof cell === "string") chars += cell.length;
    if (batch.length < BATCH_ROWS && chars < BATCH_CHARS) continue;
    yield batch;
    batch = [];
    chars = 0;
  }
  if (batch.length > 0) yield batch;
}

/**
 * All data of one moment, while others go on writing: a transaction that reads holds them up in
 * nothing. It ends with the connection, which is the caller's.
 */
export function createSqliteSource(
  database: Database.Database,
  known: ReadonlySet<string>,
  about: Omit<BackupHeader, "store">,
): BackupSource {
  database.exec("BEGIN");
  const tables = listSqliteTables(database, known);
  const find = ({ name }: TableShape) => tables.find((table) => table.name === name) as KnownTable;
  return {
    header: { ...about, store: "sqlite" },
    tables,
    rows: (table) => readSqliteRows(database, find(table)),
  };
}

/** Inserts rows whose values stand in the order of `columns`; inside a transaction. */
export function insertSqliteRows(
  database: Database.Database,
  { name, columns }: TableShape,
  rows: readonly Row[],
): void {
  const marks = columns.map(() => "?").join(", ");
  const names = columns.map(quote).join(", ");
  const insert = database.prepare(`INSERT INTO ${quote(name)} (${names}) VALUES (${marks})`);
  for (const row of rows) insert.run(...row);
}
