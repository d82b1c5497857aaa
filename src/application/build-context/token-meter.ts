import type { Message } from "#domain/message/message.ts";
import type { CountTokens } from "#domain/spend/estimate-tokens.ts";
import { countMessage, estimateTokens } from "#domain/spend/estimate-tokens.ts";
import type { LoadTokenizer } from "../ports/tokenizer.ts";

export type Countable = Pick<Message, "parts">;

/** One way to count for one model. */
export interface Count {
  readonly kind: "estimate" | "exact";
  readonly text: CountTokens;
  /** What was counted once is known as long as the object is. */
  readonly message: (message: Countable) => number;
}

const SLICE_MS = 5;
const MAX_MODELS = 200;
/** Below this the frame that a service puts around every request says more than the texts. */
const MIN_LEARNT_TOKENS = 500;
const MIN_FACTOR = 0.5;
const MAX_FACTOR = 3;

/**
 * Counts for all models, and keeps what was counted: messages never change. What services say that
 * a request took corrects the next counts for that model.
 */
export class TokenMeter {
  readonly #loadTokenizer: LoadTokenizer;
  readonly #known = new WeakMap<CountTokens, WeakMap<Countable, number>>();
  /** What the counts of a model are to be multiplied by. */
  readonly #factors = new Map<string, number>();

  constructor(loadTokenizer: LoadTokenizer) {
    this.#loadTokenizer = loadTokenizer;
  }

  /** By length alone: costs next to nothing. */
  estimate(model: string): Count {
    return this.#toCount("estimate", model, estimateTokens);
  }

  /** As the model itself counts, where that is known; `messages` are counted now, in slices. */
  async exact(model: string, messages: readonly Countable[]): Promise<Count | undefined> {
    const tokenizer = await this.#loadTokenizer(model);
    if (tokenizer === undefined) return undefined;
    let sliceEndMs = performance.now() + SLICE_MS;
    for (const message of messages) {
      this.#countMessage(message, tokenizer);
      if (performance.now() < sliceEndMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      sliceEndMs = performance.now() + SLICE_MS;
    }
    return this.#toCount("exact", model, tokenizer);
  }

  /** Takes note that what came to `counted` tokens here was `actual` to the service. */
  learn(model: string, { kind, counted, actual }: Learnt): void {
    if (actual < MIN_LEARNT_TOKENS || counted < MIN_LEARNT_TOKENS) return;
    const key = `${kind} ${model}`;
    const before = this.#factors.get(key) ?? 1;
    const now = Math.min(Math.max((before * actual) / counted, MIN_FACTOR), MAX_FACTOR);
    this.#factors.delete(key);
    // One request may be odd: half of what was known stays.
    this.#factors.set(key, (before + now) / 2);
    const [oldest] = this.#factors.keys();
    if (this.#factors.size > MAX_MODELS && oldest !== undefined) this.#factors.delete(oldest);
  }

  #toCount(kind: Count["kind"], model: string, count: CountTokens): Count {
    const factor = this.#factors.get(`${kind} ${model}`) ?? 1;
    return {
      kind,
      text: (text) => Math.ceil(count(text) * factor),
      message: (message) => Math.ceil(this.#countMessage(message, count) * factor),
    };
  }

  #countMessage(message: Countable, count: CountTokens): number {
    let known = this.#known.get(count);
    if (known === undefined) this.#known.set(count, (known = new WeakMap()));
    let counted = known.get(message);
    if (counted === undefined) known.set(message, (counted = countMessage(message, count)));
    return counted;
  }
}

interface Learnt {
  readonly kind: Count["kind"];
  readonly counted: number;
  readonly actual: number;
}
