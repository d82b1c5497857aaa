import type { RunState } from "./run-state.ts";

type Timed = Pick<RunState, "keepTime">;

const TICK_MS = 250;

/**
 * Has the turns that run in one thread keep their time. One clock for all: a timer for
 * each would cost every short turn something.
 */
export class TurnClock {
  readonly #running = new Set<Timed>();
  #timer: ReturnType<typeof setInterval> | undefined;

  add(turn: Timed): void {
    this.#running.add(turn);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  remove(turn: Timed): void {
    this.#running.delete(turn);
  }

  #tick(): void {
    for (const turn of this.#running) void turn.keepTime();
    if (this.#running.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
