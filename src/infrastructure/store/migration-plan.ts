import { loadMigration, MIGRATION_NAMES } from "./migrations.ts";
import type { Dialect } from "./query.ts";

/** A migration with its statements, as one dialect takes them. */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** How far to go, and what a test has to do on the way. */
export interface MigrateOptions {
  /** The last migration to apply; the newest unless given. */
  readonly upTo?: string | undefined;
  /** Called before each statement, counted from 0 over all migrations. */
  readonly beforeStatement?: ((index: number) => void) | undefined;
}

/** Every migration up to `upTo`, in order. Those that are applied may be among them. */
export function loadMigrations(
  dialect: Dialect,
  { upTo }: MigrateOptions = {},
): Promise<readonly Migration[]> {
  const end = upTo === undefined ? MIGRATION_NAMES.length : MIGRATION_NAMES.indexOf(upTo) + 1;
  if (end === 0 && upTo !== undefined) throw new RangeError(`Cannot find migration "${upTo}"`);
  return Promise.all(
    MIGRATION_NAMES.slice(0, end).map(async (name) => ({
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
