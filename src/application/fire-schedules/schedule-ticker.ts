import type { FiringLog } from "#domain/schedule/firing-log.ts";
import type { NowMs } from "../ports/clock.ts";
import { JOB_QUEUES } from "../ports/job-queues.ts";
import type { Jobs } from "../ports/jobs.ts";
import type { Logger } from "../ports/logger.ts";

export interface ScheduleTickerDeps {
  readonly firings: Pick<FiringLog, "fireDue">;
  readonly jobs: Pick<Jobs, "wake">;
  readonly nowMs: NowMs;
  readonly log: Logger;
  /** How long a look at the schedules may be off at most. */
  readonly tickMs?: number;
}

const TICK_MS = 1_000;
/** After this long what another instance had in hand is looked at again. */
const BUSY_MS = 100;
/** Schedules that one transaction fires. */
const BATCH = 200;

/**
 * Fires schedules when their time has come, on each instance: who comes first takes a schedule.
 * Looks once a second, and at the very time that it knows to be the next.
 */
export class ScheduleTicker {
  readonly #deps: Required<ScheduleTickerDeps>;
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> | undefined;
  #isRunning = false;
  /** The last look failed. */
  #isBlind = false;

  constructor({ tickMs = TICK_MS, ...deps }: ScheduleTickerDeps) {
    this.#deps = { ...deps, tickMs };
  }

  start(): void {
    this.#isRunning = true;
    this.#schedule(0);
  }

  /** Fires nothing more; what it was about to fire is fired. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    await this.#tick;
  }

  #schedule(delayMs: number): void {
    if (!this.#isRunning) return;
    this.#timer = setTimeout(() => {
      this.#tick = this.#look();
    }, delayMs);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { nowMs, tickMs, log } = this.#deps;
    try {
      const nextAtMs = await this.#fireAll();
      this.#isBlind = false;
      const untilNextMs = nextAtMs === undefined ? tickMs : nextAtMs - nowMs();
      this.#schedule(untilNextMs <= 0 ? BUSY_MS : Math.min(untilNextMs, tickMs));
    } catch (error) {
      // It is said once, however long it lasts.
      if (!this.#isBlind) log.error({ error }, "Cannot fire schedules; trying again");
      this.#isBlind = true;
      this.#schedule(tickMs);
    }
  }

  /** Fires all that is due, batch by batch, and gives the next time there is. */
  async #fireAll(): Promise<number | undefined> {
    const { firings, jobs, nowMs, log } = this.#deps;
    for (;;) {
      const { fired, leftOut, nextAtMs } = await firings.fireDue({ nowMs: nowMs(), limit: BATCH });
      if (fired.length > 0) jobs.wake(JOB_QUEUES.firing.name);
      for (const scheduleId of leftOut) log.warn({ scheduleId }, "Missed times were left out");
      const isDue = nextAtMs !== undefined && nextAtMs <= nowMs();
      // What another instance has in hand shows as due until it is done: leave it to that one.
      if (!isDue || fired.length + leftOut.length === 0 || !this.#isRunning) return nextAtMs;
    }
  }
}
