export type KeyPick =
  | { readonly kind: "key"; readonly index: number; readonly key: string | undefined }
  /** The service asked that none of its keys be used for so long. */
  | { readonly kind: "parked"; readonly forMs: number };

/**
 * The keys of one provider, used in their order: the first one that is not parked. A refused key is
 * so for all models, a limited one for the model whose limit it was. A provider without a key has
 * one that is `undefined`.
 */
export class KeyRing {
  readonly #keys: readonly (string | undefined)[];
  /** By the key's place, until when. */
  readonly #refused = new Map<number, number>();
  /** By model, and then as the others. */
  readonly #limited = new Map<string, Map<number, number>>();

  constructor(keys: readonly string[]) {
    this.#keys = keys.length === 0 ? [undefined] : keys;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** A refused key is tried again rather than none at all: its service says best what is wrong. */
  pick(model: string, nowMs: number): KeyPick {
    for (const [index, key] of this.#keys.entries()) {
      if (this.#freeAtMs(index, model) <= nowMs) return { kind: "key", index, key };
    }
    const limited = [...this.#limitsOf(model).entries()].filter(
      ([index, untilMs]) => untilMs > nowMs && (this.#refused.get(index) ?? 0) <= nowMs,
    );
    if (limited.length === 0) return { kind: "key", index: 0, key: this.#keys[0] };
    const untilMs = Math.min(...limited.map(([, each]) => each));
    return { kind: "parked", forMs: untilMs - nowMs };
  }

  /** How many keys can be used at once. */
  countFree(model: string, nowMs: number): number {
    return this.#keys.filter((_key, index) => this.#freeAtMs(index, model) <= nowMs).length;
  }

  refuse(index: number, untilMs: number): void {
    this.#refused.set(index, untilMs);
  }

  limit(index: number, model: string, untilMs: number): void {
    const limits = this.#limitsOf(model);
    this.#limited.delete(model);
    this.#limited.set(model, new Map([...limits, [index, untilMs]]));
    const [first] = this.#limited.keys();
    if (this.#limited.size > REMEMBERED_MOST && first !== undefined) this.#limited.delete(first);
  }

  /** The key at `index` was taken for `model`: whatever was said against it is over. */
  accept(index: number, model: string): void {
    this.#refused.delete(index);
    this.#limited.get(model)?.delete(index);
  }

  #freeAtMs(index: number, model: string): number {
    return Math.max(this.#refused.get(index) ?? 0, this.#limitsOf(model).get(index) ?? 0);
  }

  #limitsOf(model: string): ReadonlyMap<number, number> {
    return this.#limited.get(model) ?? NO_LIMITS;
  }
}

const NO_LIMITS: ReadonlyMap<number, number> = new Map();
/** People may name any model. */
const REMEMBERED_MOST = 1_000;
