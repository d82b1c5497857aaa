/** Tells how many more attempts of an address may fail. */
export interface AttemptBudget {
  /** Where there is none left: in how many milliseconds there is one again. */
  missing(address: string): number | undefined;
  left(address: string): number;
}

/** All that show one secret at once, from one address: they are one attempt. */
export interface Attempt {
  readonly isOpen: boolean;
  /** The outcome is known, and counted where it has to be. */
  settle(): void;
}

interface Slot {
  readonly admitted: Promise<Attempt | number>;
  readonly admit: (attempt: Attempt | number) => void;
}

interface Place {
  /** By the hash of the secret, those under way and those that wait. */
  readonly slots: Map<string, Slot>;
  /** Hashes, the next first. */
  readonly waiting: string[];
  underWay: number;
}

const MAX_SLOTS = 1_000;
const CROWDED_RETRY_MS = 500;

/**
 * Lets no more attempts of an address be under way than may fail. The others wait for outcomes: so
 * a crowd with good secrets passes as fast as those come, and one that guesses gets its few.
 */
export class OpenAttempts {
  readonly #budget: AttemptBudget;
  readonly #places = new Map<string, Place>();

  constructor(budget: AttemptBudget) {
    this.#budget = budget;
  }

  /** Resolves once the attempt may be made; to milliseconds where it may not, before those. */
  enter(address: string, hash: string): Promise<Attempt | number> {
    const place = this.#places.get(address) ?? createPlace();
    const there = place.slots.get(hash);
    if (there !== undefined) return there.admitted;
    if (place.slots.size >= MAX_SLOTS) return Promise.resolve(CROWDED_RETRY_MS);
    const { promise: admitted, resolve: admit } = Promise.withResolvers<Attempt | number>();
    this.#places.set(address, place);
    place.slots.set(hash, { admitted, admit });
    place.waiting.push(hash);
    this.#admitNext(address, place);
    return admitted;
  }

  #admitNext(address: string, place: Place): void {
    while (place.waiting.length > 0) {
      const missingMs = this.#budget.missing(address);
      if (missingMs === undefined && place.underWay + 1 > this.#budget.left(address)) break;
      const hash = place.waiting.shift() ?? "";
      const slot = place.slots.get(hash);
      if (missingMs !== undefined) place.slots.delete(hash);
      slot?.admit(missingMs ?? this.#begin(address, place, hash));
    }
    if (place.slots.size === 0) this.#places.delete(address);
  }

  #begin(address: string, place: Place, hash: string): Attempt {
    let isOpen = true;
    place.underWay += 1;
    return {
      get isOpen() {
        return isOpen;
      },
      settle: () => {
        if (!isOpen) return;
        isOpen = false;
        place.underWay -= 1;
        place.slots.delete(hash);
        this.#admitNext(address, place);
      },
    };
  }
}

function createPlace(): Place {
  return { slots: new Map(), waiting: [], underWay: 0 };
}
