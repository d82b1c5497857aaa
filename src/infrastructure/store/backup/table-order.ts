/** A table as a database tells of it. */
export interface KnownTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  /** The tables that its foreign keys lead to. */
  readonly refersTo: readonly string[];
}

/** The tables whose names are `known`, each after those that it refers to, else by name. */
export function inOrderOfReference<T extends KnownTable>(
  tables: readonly T[],
  known: ReadonlySet<string>,
): readonly T[] {
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
  for (const name of [...known].toSorted()) {
    const table = byName.get(name);
    if (table !== undefined) place(table);
  }
  return [...placed];
}

/** A name as both databases take it in a statement. The names are the schema's own. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
