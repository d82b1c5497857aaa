import type { JobEngine } from "../../src/infrastructure/jobs/job-engine.ts";
import { PgBossEngine } from "../../src/infrastructure/jobs/pg-boss-engine.ts";
import { SqliteJobEngine } from "../../src/infrastructure/jobs/sqlite-job-engine.ts";
import type { TestStore } from "./open-test-store.ts";
import { silentLog } from "./silent-log.ts";

/** Where a store keeps its jobs. */
export function openJobEngine(
  { store }: Pick<TestStore, "store">,
  nowMs: () => number = Date.now,
): JobEngine {
  const { location, reader, writer } = store;
  return location.kind === "postgres"
    ? new PgBossEngine({ connectionString: location.url, log: silentLog })
    : new SqliteJobEngine({ reader, writer, nowMs });
}
