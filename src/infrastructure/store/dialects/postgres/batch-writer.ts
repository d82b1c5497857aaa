/** A write that waits for its batch. */
interface Entry<Input, Output> {
  readonly input: Input;
  readonly keys: readonly string[];
  readonly settle: PromiseWithResolvers<Output>;
}

export interface BatchWriterOptions<Input, Output> {
  /** Makes all of a batch or nothing of it. */
  readonly writeAll: (inputs: readonly Input[]) => Promise<readonly Output[]>;
  /** Makes one that spoiled its batch, or that another one of the batch spoiled. */
  readonly writeOne: (input: Input) => Promise<Output>;
  /** What no two writes may have in common that are made together, or at one time. */
  readonly keysOf: (input: Input) => readonly string[];
}

const BATCH_MOST = 256;
/** While these are under way the next batch gathers. */
const BATCHES_AT_ONCE = 2;

/**
 * Makes writes that come side by side in batches: what waits when a place is free goes together. A
 * lone write does not wait.
 */
export class BatchWriter<Input, Output> {
  readonly #options: BatchWriterOptions<Input, Output>;
  readonly #taken = new Set<string>();
  #waiting: Entry<Input, Output>[] = [];
  #underWay = 0;
  #isScheduled = false;

  constructor(options: BatchWriterOptions<Input, Output>) {
    this.#options = options;
  }

  write(input: Input): Promise<Output> {
    const settle = Promise.withResolvers<Output>();
    this.#waiting.push({ input, keys: this.#options.keysOf(input), settle });
    this.#schedule();
    return settle.promise;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      while (this.#underWay < BATCHES_AT_ONCE) {
        const batch = this.#takeBatch();
        if (batch.length === 0) return;
        void this.#run(batch);
      }
    });
  }

  #takeBatch(): Entry<Input, Output>[] {
    const batch: Entry<Input, Output>[] = [];
    const left: Entry<Input, Output>[] = [];
    for (const entry of this.#waiting) {
      const isFree = !entry.keys.some((key) => this.#taken.has(key));
      if (batch.length >= BATCH_MOST || !isFree) left.push(entry);
      else {
        batch.push(entry);
        for (const key of entry.keys) this.#taken.add(key);
      }
    }
    this.#waiting = left;
    return batch;
  }

  /** Never rejects. */
  async #run(batch: readonly Entry<Input, Output>[]): Promise<void> {
    this.#underWay += 1;
    try {
      const outputs = await this.#options.writeAll(batch.map(({ input }) => input));
      for (const [index, { settle }] of batch.entries()) settle.resolve(outputs[index] as Output);
    } catch {
      await Promise.all(batch.map((entry) => this.#runAlone(entry)));
    }
    for (const key of batch.flatMap(({ keys }) => keys)) this.#taken.delete(key);
    this.#underWay -= 1;
    if (this.#waiting.length > 0) this.#schedule();
  }

  async #runAlone({ input, settle }: Entry<Input, Output>): Promise<void> {
    try {
      settle.resolve(await this.#options.writeOne(input));
    } catch (error) {
      settle.reject(error);
    }
  }
}
