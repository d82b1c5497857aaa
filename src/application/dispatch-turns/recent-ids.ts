const KEPT_MOST = 1_000;

/** The latest ids that were added, a bounded number. */
export class RecentIds<Id> {
  readonly #ids = new Set<Id>();

  add(id: Id): void {
    this.#ids.add(id);
    if (this.#ids.size <= KEPT_MOST) return;
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest);
      return;
    }
  }

  /** Whether the id is among them; it is not any more then. */
  take(id: Id): boolean {
    return this.#ids.delete(id);
  }
}
