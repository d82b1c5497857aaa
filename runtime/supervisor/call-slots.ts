/** Slots of one kind that a call needs. */
export interface Slot {
  /** Whose: "skill <digest>", "user <id>". */
  readonly name: string;
  readonly most: number;
}

export type SlotResult =
  | { readonly kind: "taken" }
  /** `slot` stayed full for the whole wait. */
  | { readonly kind: "full"; readonly slot: Slot }
  | { readonly kind: "cancelled" };

interface Wait {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Counts running calls by skill and user; who waited longest gets a freed slot first. */
export class CallSlots {
  readonly #taken = new Map<string, number>();
  readonly #waiting = new Set<() => boolean>();

  /** Takes one of each, all at once; what is taken must be given back with `free`. */
  take(slots: readonly Slot[], wait: Wait): SlotResult | Promise<SlotResult> {
    return this.#tryTake(slots) ? TAKEN : this.#wait(slots, wait);
  }

  free(slots: readonly Slot[]): void {
    for (const { name } of slots) {
      const left = (this.#taken.get(name) ?? 0) - 1;
      if (left > 0) this.#taken.set(name, left);
      else this.#taken.delete(name);
    }
    for (const retry of this.#waiting) if (retry()) this.#waiting.delete(retry);
  }

  #tryTake(slots: readonly Slot[]): boolean {
    if (this.#findFull(slots) !== undefined) return false;
    for (const { name } of slots) this.#taken.set(name, (this.#taken.get(name) ?? 0) + 1);
    return true;
  }

  #findFull(slots: readonly Slot[]): Slot | undefined {
    return slots.find(({ name, most }) => (this.#taken.get(name) ?? 0) >= most);
  }

  async #wait(slots: readonly Slot[], { waitMs, signal }: Wait): Promise<SlotResult> {
    const { promise, resolve } = Promise.withResolvers<SlotResult>();
    const retry = () => {
      const isTaken = this.#tryTake(slots);
      if (isTaken) resolve(TAKEN);
      return isTaken;
    };
    const [first] = slots;
    const giveUp = () => {
      this.#waiting.delete(retry);
      const slot = this.#findFull(slots) ?? first;
      resolve(slot === undefined ? TAKEN : { kind: "full", slot });
    };
    const cancel = () => {
      this.#waiting.delete(retry);
      resolve({ kind: "cancelled" });
    };
    if (signal?.aborted === true) return { kind: "cancelled" };
    const timer = setTimeout(giveUp, waitMs);
    signal?.addEventListener("abort", cancel, { once: true });
    this.#waiting.add(retry);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }
}

const TAKEN = { kind: "taken" } as const;
