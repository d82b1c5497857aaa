import path from "node:path";
import { describe, test } from "vitest";
import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import { PgBossEngine } from "#infrastructure/jobs/pg-boss-engine.ts";
import { migratePostgres } from "#infrastructure/store/dialects/postgres/migrate-postgres.ts";
import { PostgresPool } from "#infrastructure/store/dialects/postgres/postgres-pool.ts";
import { migrateSqlite } from "#infrastructure/store/dialects/sqlite/migrate-sqlite.ts";
import { openSqlite } from "#infrastructure/store/dialects/sqlite/sqlite-connection.ts";
import { enqueue, type Script } from "#infrastructure/store/script.ts";
import { leaseJobs } from "#infrastructure/store/scripts/job-scripts.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { silentLog } from "../../support/silent-log.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const queue = JOB_QUEUES.maintenance;

describe("enqueue()", () => {
  test("on SQLite: jobs are there where the script's transaction commits", async ({ expect }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "nexflow.db");
    const connection = openSqlite({ file, mode: "write" });
    await migrateSqlite(connection.database, file);
    const write = <T>(script: Script<T>) =>
      connection.database.transaction(() => connection.run(script)).immediate();
    expect(() => write(enqueueAndFail())).toThrow("No");
    write(enqueueOnly("kept"));
    const lease = { queue, limit: 10, nowMs: 2, leaseUntilMs: 3 };
    expect(write(leaseJobs(lease)).map(({ data }) => data)).toEqual(["kept"]);
    connection.close();
  });

  test("on Postgres: jobs are there where the script's transaction commits", async ({ expect }) => {
    await using database = await openTestDatabase();
    await migratePostgres(database.url);
    // A transaction of each connection: none is left for the tables of jobs, which do not exist.
    const pool = new PostgresPool({ url: database.url, maxConnections: 2 });
    const engine = new PgBossEngine({ connectionString: database.url, log: silentLog });
    try {
      const writes = await Promise.allSettled([
        pool.write(enqueueAndFail),
        pool.write(() => enqueueOnly("kept")),
        pool.write(() => enqueueOnly("kept too")),
      ]);
      expect(writes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
      await engine.open([queue]);
      const jobs = await engine.fetch(queue, 10);
      expect(new Set(jobs.map(({ data }) => data))).toEqual(new Set(["kept", "kept too"]));
    } finally {
      await engine.close();
      await pool.close();
    }
  });
});

function* enqueueOnly(data: string): Script<void> {
  yield* enqueue([{ queue: queue.name, data }], 1);
}

function* enqueueAndFail(): Script<void> {
  yield* enqueueOnly("lost");
  throw new Error("No");
}
