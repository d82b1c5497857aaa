import type { Brake, BrakeRepository } from "#domain/brake/brake.ts";
import type { Logger } from "../ports/logger.ts";

export interface BrakeWatchDeps {
  readonly brakes: Pick<BrakeRepository, "find">;
  /** Stops all runs of this instance and lets none begin, or lets them begin again. */
  readonly apply: (brake: Brake | undefined) => void;
  readonly log: Logger;
}

/** How often the store is asked, for the day when nobody here heard that the brake is on. */
const LOOK_EVERY_MS = 1_000;

/**
 * Has this instance do as the brake in the store says, within a second. What it lets through until
 * then asks a model at most: before every call of a tool the run asks the store itself.
 */
export class BrakeWatch {
  readonly #deps: BrakeWatchDeps;
  readonly #timer: ReturnType<typeof setInterval>;
  /** As it was applied last; `undefined` before the first time. */
  #applied: { readonly brake: Brake | undefined } | undefined;
  #looks = 0;
  /** The latest look that had an answer. */
  #answered = 0;

  constructor(deps: BrakeWatchDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS).unref();
  }

  /** Asks the store now and does as it says. Never rejects. */
  async look(): Promise<void> {
    const { brakes, apply, log } = this.#deps;
    const look = (this.#looks += 1);
    try {
      const brake = await brakes.find();
      // Later ones that have no answer yet may have none for long.
      if (look < this.#answered) return;
      this.#answered = look;
      const before = this.#applied?.brake;
      if (this.#applied !== undefined && before?.sinceMs === brake?.sinceMs) return;
      this.#applied = { brake };
      apply(brake);
      if (brake !== undefined) log.warn({ reason: brake.reason }, "All agents are stopped");
      else if (before !== undefined) log.info({}, "Agents may work again");
    } catch (error) {
      log.warn({ error }, "Cannot look whether all agents are stopped; trying again");
    }
  }

  /** Applies what the store says once more: whoever should have heard it may not have been there. */
  async restate(): Promise<void> {
    this.#applied = undefined;
    await this.look();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
