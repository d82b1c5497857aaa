import type { NowMs } from "#application/ports/clock.ts";
import type { Jobs } from "#application/ports/jobs.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { Store } from "../store/open-store.ts";
import type { JobEngine } from "./job-engine.ts";
import { JobRunner } from "./job-runner.ts";

export interface OpenJobsOptions {
  readonly store: Pick<Store, "location" | "reader" | "writer">;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

/** The jobs of a store: in its own database on SQLite, pg-boss's on Postgres. */
export async function openJobs(options: OpenJobsOptions): Promise<Jobs> {
  return new JobRunner({ engine: await openEngine(options), log: options.log });
}

async function openEngine({ store, nowMs, log }: OpenJobsOptions): Promise<JobEngine> {
  const { location, reader, writer } = store;
  if (location.kind === "postgres") {
    const { PgBossEngine } = await import("./pg-boss-engine.ts");
    return new PgBossEngine({ connectionString: location.url, log });
  }
  const { SqliteJobEngine } = await import("./sqlite-job-engine.ts");
  return new SqliteJobEngine({ reader, writer, nowMs });
}
