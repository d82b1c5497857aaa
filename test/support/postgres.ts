import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { PostgresKeeper } from "./open-postgres-keeper.ts";
import { testDatabaseUrl } from "./test-environment.ts";

/** A database of its own for one test. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/**
 * A fresh, empty database on the server of this test run: the one that `NEXFLOW_TEST_DATABASE_URL`
 * names, or else an embedded one that the first such call of the run starts. It is for what is
 * stored and who sees it; the embedded one does not sync to the disk. What shall survive a server
 * that is killed wants `openTestServer`.
 */
export async function openTestDatabase(): Promise<TestDatabase> {
  const server = testDatabaseUrl ?? (await askForServer());
  const name = `nexflow_test_${randomBytes(8).toString("hex")}`;
  await runOn(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => runOn(server, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** A server that one test may stop, crash and start again; its `url` names an empty database. */
export function openTestServer(): Promise<PostgresKeeper> {
  return PostgresKeeper.open({ isDurable: true });
}

async function askForServer(): Promise<string> {
  const response = await fetch(inject("postgresBroker"));
  const text = await response.text();
  if (!response.ok) throw new Error(`Cannot start Postgres for the tests: ${text}`);
  return text;
}

async function runOn(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
