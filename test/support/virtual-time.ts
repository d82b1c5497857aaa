import type { After } from "#application/ports/clock.ts";

/** Time that passes when a test says so: whatever was to happen later happens in its order. */
export class VirtualTime {
  #nowMs = 0;
  #made = 0;
  #events: { readonly atMs: number; readonly place: number; readonly work: () => void }[] = [];

  readonly nowMs = () => this.#nowMs;

  readonly after: After = (ms, work) => {
    this.#made += 1;
    const event = { atMs: this.#nowMs + ms, place: this.#made, work };
    this.#events.push(event);
    return () => {
      this.#events = this.#events.filter((each) => each !== event);
    };
  };

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Lets time pass until `isOver`, or for so long. */
  async run(ms: number, isOver: () => boolean = () => false): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settled();
      if (isOver()) return;
      const next = this.#takeNext(untilMs);
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      next.work();
    }
    this.#nowMs = untilMs;
  }

  #takeNext(untilMs: number) {
    const [first] = this.#events;
    if (first === undefined) return undefined;
    const next = this.#events.reduce(
      (least, each) => (isBefore(each, least) ? each : least),
      first,
    );
    if (next.atMs > untilMs) return undefined;
    this.#events = this.#events.filter((each) => each !== next);
    return next;
  }
}

function isBefore(
  one: { readonly atMs: number; readonly place: number },
  other: { readonly atMs: number; readonly place: number },
): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.place < other.place);
}

/** Whatever can go on without time passing has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
