const KNOWN_AFTER = 3;
const WEIGHT = 0.2;
const MAX_UNITS = 1_000;

/** How long the calls of each unit take, to tell which may wait behind each other in one pipe. */
export class PaceBook {
  readonly #shortMs: number;
  readonly #paces = new Map<string, { calls: number; meanMs: number }>();

  /** A unit's calls are short when their moving average is below `shortMs`. */
  constructor(shortMs: number) {
    this.#shortMs = shortMs;
  }

  note(digest: string, wallMs: number): void {
    const pace = this.#paces.get(digest);
    if (pace === undefined) {
      const [oldest] = this.#paces.keys();
      if (this.#paces.size >= MAX_UNITS && oldest !== undefined) this.#paces.delete(oldest);
      this.#paces.set(digest, { calls: 1, meanMs: wallMs });
      return;
    }
    pace.calls += 1;
    // The first call of a process compiles: what counts is how it goes on.
    const weight = pace.calls <= KNOWN_AFTER ? 1 : WEIGHT;
    pace.meanMs += weight * (wallMs - pace.meanMs);
  }

  isShort(digest: string): boolean {
    const pace = this.#paces.get(digest);
    return pace !== undefined && pace.calls >= KNOWN_AFTER && pace.meanMs < this.#shortMs;
  }
}
