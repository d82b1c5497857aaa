import type { Dialect } from "./query.ts";

/** Loaded only where one is pending. A migration is a list of statements, written as for SQLite. */
const MIGRATIONS: Readonly<Record<string, () => Promise<{ readonly statements: Statements }>>> = {
  "0001-first": () => import("./migrations/0001-first.ts"),
  "0002-skill-values-and-calls": () => import("./migrations/0002-skill-values-and-calls.ts"),
  "0003-instances": () => import("./migrations/0003-instances.ts"),
  "0004-users-and-tokens": () => import("./migrations/0004-users-and-tokens.ts"),
  "0005-schedules": () => import("./migrations/0005-schedules.ts"),
  "0006-audit": () => import("./migrations/0006-audit.ts"),
  "0007-skills-and-approvals": () => import("./migrations/0007-skills-and-approvals.ts"),
  "0008-agent": () => import("./migrations/0008-agent.ts"),
  "0009-transcripts": () => import("./migrations/0009-transcripts.ts"),
  "0010-mcp-pins": () => import("./migrations/0010-mcp-pins.ts"),
  "0011-background-tasks": () => import("./migrations/0011-background-tasks.ts"),
  "0012-context-versions": () => import("./migrations/0012-context-versions.ts"),
};

type Statements = readonly string[];

/** In the order in which they are applied. */
export const MIGRATION_NAMES = Object.keys(MIGRATIONS);

/** The statements of a migration, as `dialect` takes them. */
export async function loadMigration(name: string, dialect: Dialect): Promise<Statements> {
  const load = MIGRATIONS[name];
  if (load === undefined) throw new RangeError(`Cannot find migration "${name}"`);
  const { statements } = await load();
  return dialect === "sqlite" ? statements : statements.map(toPostgres);
}

/** In SQLite a text is compared byte by byte; so it is here, whatever the database's own order. */
function toPostgres(statement: string): string {
  return statement
    .replaceAll("INTEGER PRIMARY KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
    .replaceAll(/\bTEXT\b/gu, 'TEXT COLLATE "C"')
    .replaceAll(/\bBLOB\b/gu, "BYTEA")
    .replaceAll(" WITHOUT ROWID", "");
}
