import Database from "better-sqlite3";
import pg from "pg";
import type { Store } from "#infrastructure/store/open-store.ts";

/** How many rows of each table hold `text` somewhere; tables without any are left out. */
export async function countRows(
  { location }: Store,
  text: string,
): Promise<Readonly<Record<string, number>>> {
  const tables =
    location.kind === "sqlite" ? readSqlite(location.file) : await readPostgres(location.url);
  const counts = tables.map(({ name, rows }): [string, number] => [
    name,
    rows.filter((row) => JSON.stringify(row).includes(text)).length,
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

interface Table {
  readonly name: string;
  readonly rows: readonly unknown[];
}

function readSqlite(file: string): readonly Table[] {
  const database = new Database(file, { readonly: true });
  try {
    const names = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
      .pluck()
      .all() as string[];
    return names.map((name) => ({ name, rows: database.prepare(`SELECT * FROM "${name}"`).all() }));
  } finally {
    database.close();
  }
}

async function readPostgres(url: string): Promise<readonly Table[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: names } = await client.query<{ table_name: string }>(
      "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
    );
    const tables: Table[] = [];
    for (const { table_name: name } of names) {
      const { rows } = await client.query<object>(`SELECT * FROM "${name}"`);
      tables.push({ name, rows });
    }
    return tables;
  } finally {
    await client.end();
  }
}
