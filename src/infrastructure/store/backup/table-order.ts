/** A table as a database tells of it. */
export interface KnownTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  /** The tables that its foreign keys lead to. */
  readonly refersTo: readonly string[];
}

/** What the migrator keeps for itself, under any of its names. */
const BOOKKEEPING = /^(?:kysely_|schema_)?migrations?(?:_lock)?$/u;

/** The tables that hold data, each after those that it refers to, else by name. */
export function inOrderOfReference<T extends KnownTable>(tables: readonly T[]): readonly T[] {
  const byName = new Map(tables.map((table) => [table.name, table]));
  const placed = new Set<T>();
  const place = (table: T): void => {
    if (placed.has(table)) return;
    for (const name of table.refersTo) {
      const other = byName.get(name);
      if (other !== undefined && other !== table) place(other);
    }
    placed.add(table);
  };
  const names = [...byName.keys()].filter((name) => !BOOKKEEPING.test(name)).toSorted();
  for (const name of names) place(byName.get(name) as T);
  return [...placed];
}

/** A name as both databases take it in a statement. The names are the schema's own. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
