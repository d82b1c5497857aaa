import { inject } from "vitest";
import { PostgresKeeper } from "./open-postgres-keeper.ts";
import type { DatabaseContent } from "./postgres-broker.ts";

/** A database of its own for one test. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
}

/**
 * A fresh database on the server of this test run: the one that `NEXFLOW_TEST_DATABASE_URL` names,
 * or else an embedded one that the first such call of the run starts. It is empty, or "migrated":
 * what a new store is, which is quicker than to have each test make it. It is for what is stored and
 * who sees it; the embedded server does not sync to the disk. What shall survive a server that is
 * killed wants `openTestServer`.
 */
export async function openTestDatabase(content: DatabaseContent = "empty"): Promise<TestDatabase> {
  const url = await askBroker("POST", content);
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await askBroker("DELETE", new URL(url).pathname.slice(1));
    },
  };
}

/** A server that one test may stop, crash and start again; its `url` names an empty database. */
export function openTestServer(): Promise<PostgresKeeper> {
  return PostgresKeeper.open({ isDurable: true });
}

async function askBroker(method: string, path: string): Promise<string> {
  const response = await fetch(`${inject("postgresBroker")}/${path}`, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(`Cannot give the tests a database: ${text}`);
  return text;
}
