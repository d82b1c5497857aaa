import { test } from "vitest";
import { JOB_QUEUES } from "#application/ports/job-queues.ts";
import { parseUserId } from "#domain/shared/id.ts";
import { JobRunner } from "#infrastructure/jobs/job-runner.ts";
import { PgBossEngine } from "#infrastructure/jobs/pg-boss-engine.ts";
import { migratePostgres } from "#infrastructure/store/dialects/postgres/migrate-postgres.ts";
import { createPostgresCallers } from "#infrastructure/store/dialects/postgres/postgres-callers.ts";
import { PostgresPool } from "#infrastructure/store/dialects/postgres/postgres-pool.ts";
import {
  createFiringLog,
  createScheduleRepository,
  createUserRepository,
} from "#infrastructure/store/repositories.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { scheduleOf } from "../../support/schedules.ts";
import { silentLog } from "../../support/silent-log.ts";
import { openTransactionPooler } from "../../support/transaction-pooler.ts";

test("schedules fire and their jobs run behind a transaction pooler", async ({ expect }) => {
  await using database = await openTestDatabase();
  await migratePostgres(database.url);
  await using pooler = await openTransactionPooler(database.url, 3);
  const { url } = pooler;
  const pool = new PostgresPool({ url });
  const { reader, writer } = createPostgresCallers(pool);
  const schedules = createScheduleRepository(reader, writer);
  const firings = createFiringLog(reader, writer);
  const users = createUserRepository(reader, writer);
  const admin = { name: "Admin", role: "admin", createdAtMs: 1 } as const;
  await users.add({ id: parseUserId("admin"), ...admin });
  const all = Array.from({ length: 200 }, () => scheduleOf());
  for (const schedule of all) await schedules.add(schedule);

  const ran: string[] = [];
  const done = Promise.withResolvers<void>();
  const runners = [1, 2].map(() => {
    const engine = new PgBossEngine({ connectionString: url, log: silentLog });
    const runner = new JobRunner({ engine, log: silentLog });
    runner.work(JOB_QUEUES.firing, async ({ data }) => {
      ran.push((data as { scheduleId: string }).scheduleId);
      if (ran.length === all.length) done.resolve();
    });
    return runner;
  });
  try {
    await Promise.all(runners.map((runner) => runner.start()));
    const look = async () => {
      for (let round = 0; round < 10; round++) await firings.fireDue({ nowMs: 60_000, limit: 20 });
    };
    await Promise.all([look(), look()]);
    await done.promise;
    expect(new Set(ran)).toEqual(new Set(all.map(({ id }) => id)));
    expect(ran).toHaveLength(all.length);
  } finally {
    await Promise.all(runners.map((runner) => runner.stop(1_000)));
    await pool.close();
  }
});
