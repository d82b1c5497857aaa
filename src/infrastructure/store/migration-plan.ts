import { loadMigration, MIGRATION_NAMES } from "./migrations.ts";
import type { Dialect } from "./query.ts";

/** A migration with its statements, as one dialect takes them. */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** How far to go, and what a test has to do on the way. */
export interface MigrateOptions {
  /** The migrations to apply; all there are unless given. */
  readonly only?: readonly string[] | undefined;
  /** Called before each statement, counted from 0 over all migrations. */
  readonly beforeStatement?: ((index: number) => void) | undefined;
}

/** The migrations that are asked for, in order. Those that are applied may be among them. */
export function loadMigrations(
  dialect: Dialect,
  { only = MIGRATION_NAMES }: MigrateOptions = {},
): Promise<readonly Migration[]> {
  return Promise.all(
    MIGRATION_NAMES.filter((name) => only.includes(name)).map(async (name) => ({
      name,
      statements: await loadMigration(name, dialect),
    })),
  );
}

/** The table that tells what is applied, in the form that the first databases have it. */
export const CREATE_JOURNAL = `
  CREATE TABLE IF NOT EXISTS kysely_migration (
    name VARCHAR(255) NOT NULL PRIMARY KEY,
    timestamp VARCHAR(255) NOT NULL
  )`;

/** What is to be said to the database, in one transaction, where `applied` is applied. */
export function* pendingStatements(
  migrations: readonly Migration[],
  applied: readonly string[],
  { beforeStatement }: MigrateOptions,
): Generator<{ readonly sql: string } | { readonly applied: string }> {
  let index = 0;
  for (const { name, statements } of migrations) {
    if (applied.includes(name)) continue;
    for (const sql of statements) {
      beforeStatement?.(index++);
      yield { sql };
    }
    yield { applied: name };
  }
}

/** The tables that migrations make, by the names that they get there. */
export async function listMigratedTables(): Promise<ReadonlySet<string>> {
  const migrations = await loadMigrations("sqlite");
  const statements = migrations.flatMap((migration) => migration.statements);
  return new Set(
    statements.flatMap((statement) => /^CREATE TABLE "?(\w+)"? /u.exec(statement)?.slice(1) ?? []),
  );
}
