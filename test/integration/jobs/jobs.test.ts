import { PgBossEngine } from "../../../src/infrastructure/jobs/pg-boss-engine.ts";
import { describeJobs } from "../../contract/jobs.ts";
import { createMemoryJobEngine, MemoryJobs } from "../../support/fakes/memory-job-engine.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { silentLog } from "../../support/silent-log.ts";

describeJobs("memory", async () => {
  const jobs = new MemoryJobs();
  return {
    isShared: true,
    openEngine: async () => createMemoryJobEngine(jobs),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

describeJobs("pg-boss", async () => {
  const database = await openTestDatabase();
  const connectionString = database.url;
  return {
    isShared: true,
    openEngine: async () => new PgBossEngine({ connectionString, log: silentLog }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
});
