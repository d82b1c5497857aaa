import { randomBytes } from "node:crypto";
import pg from "pg";
import { PostgresKeeper } from "../test/support/open-postgres-keeper.ts";
import { testDatabaseUrl } from "../test/support/test-environment.ts";

/** A Postgres server that benchmarks run on. Every commit is on disk before it is answered. */
export interface BenchPostgres extends AsyncDisposable {
  /** Its first process; not known of a server that was there before. */
  readonly pid: number | undefined;
  /** Makes an empty database and gives its address. */
  createDatabase(): Promise<string>;
}

/** The server that `NEXFLOW_TEST_DATABASE_URL` names, or else an embedded one with `fsync` on. */
export async function openBenchPostgres(): Promise<BenchPostgres> {
  const keeper =
    testDatabaseUrl === undefined ? await PostgresKeeper.open({ isDurable: true }) : undefined;
  const server = testDatabaseUrl ?? keeper?.url ?? "";
  const names: string[] = [];
  return {
    pid: keeper?.pid,
    createDatabase: async () => {
      const name = `nexflow_bench_${randomBytes(8).toString("hex")}`;
      await runOn(server, `CREATE DATABASE ${name}`);
      names.push(name);
      const url = new URL(server);
      url.pathname = `/${name}`;
      return url.href;
    },
    [Symbol.asyncDispose]: async () => {
      if (keeper !== undefined) return keeper[Symbol.asyncDispose]();
      for (const name of names) await runOn(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
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
