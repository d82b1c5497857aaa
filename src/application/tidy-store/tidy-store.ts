import { dayOf } from "#domain/spend/budget.ts";
import type { NowMs } from "../ports/clock.ts";
import type { Housekeeping } from "../ports/housekeeping.ts";
import { JOB_QUEUES } from "../ports/job-queues.ts";
import type { JobHandler, Jobs } from "../ports/jobs.ts";
import type { Logger } from "../ports/logger.ts";

export interface TidyStoreDeps {
  readonly housekeeping: Housekeeping;
  /** How long the events of a session stay that has come to rest. */
  readonly eventRetentionDays: number;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LOOK_MS = 600_000;
/** Who is further behind than this gets a snapshot anyway. */
const KEEP_EVENTS = 5_000;
const KEEP_FIRINGS_DAYS = 30;
const FIRINGS_AT_ONCE = 500;
/** A year, and what it takes to compare it with the one before. */
const KEEP_SPEND_DAYS = 400;

/** Deletes what has had its time, batch by batch; the handler of the maintenance jobs. */
export function createTidyStore(deps: TidyStoreDeps): JobHandler {
  const { housekeeping, nowMs, log } = deps;

  return async function tidyStore(_job, signal): Promise<void> {
    const events = await trimEvents(signal);
    const firings = await deleteFirings(signal);
    const sums = await deleteSpend(signal);
    if (events + firings + sums === 0) return;
    log.info({ events, firings, sums }, "Deleted what has had its time");
  };

  async function trimEvents(signal: AbortSignal): Promise<number> {
    const restedSinceMs = nowMs() - deps.eventRetentionDays * DAY_MS;
    let total = 0;
    for (let after: string | undefined = ""; after !== undefined && !signal.aborted; ) {
      const trim = { restedSinceMs, keepEvents: KEEP_EVENTS, after };
      const { deleted, next } = await housekeeping.trimEvents(trim);
      total += deleted;
      after = next;
    }
    return total;
  }

  async function deleteFirings(signal: AbortSignal): Promise<number> {
    const beforeMs = nowMs() - KEEP_FIRINGS_DAYS * DAY_MS;
    let total = 0;
    while (!signal.aborted) {
      const deleted = await housekeeping.deleteOldFirings({ beforeMs, limit: FIRINGS_AT_ONCE });
      total += deleted;
      if (deleted < FIRINGS_AT_ONCE) break;
    }
    return total;
  }

  async function deleteSpend(signal: AbortSignal): Promise<number> {
    const beforeDay = dayOf(nowMs() - KEEP_SPEND_DAYS * DAY_MS);
    let total = 0;
    for (let after: string | undefined = ""; after !== undefined && !signal.aborted; ) {
      const { deleted, next } = await housekeeping.deleteOldSpend({ beforeDay, after });
      total += deleted;
      after = next;
    }
    return total;
  }
}

/** Asks for one round of tidying each hour, whichever instance does it. Gives what ends it. */
export function startTidying({ jobs, nowMs, log }: TidyingDeps): () => void {
  const ask = async () => {
    const key = String(Math.floor(nowMs() / HOUR_MS));
    try {
      await jobs.enqueue([{ queue: JOB_QUEUES.maintenance.name, data: {}, key }]);
    } catch (error) {
      log.error({ error }, "Cannot ask for maintenance; trying again later");
    }
  };
  void ask();
  const timer = setInterval(() => void ask(), LOOK_MS);
  return () => clearInterval(timer);
}

export interface TidyingDeps {
  readonly jobs: Pick<Jobs, "enqueue">;
  readonly nowMs: NowMs;
  readonly log: Logger;
}
