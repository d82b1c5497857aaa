import type { Interface } from "node:readline";

/** Lines that somebody types, handed to whoever asks for the next one. */
export class LineReader {
  readonly #lines: Interface;
  readonly #early: string[] = [];
  #waiter: ((line: string | undefined) => void) | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(lines: Interface) {
    this.#lines = lines;
    lines.on("line", (line) => {
      if (this.#waiter === undefined) this.#early.push(line);
      else this.#hand(line);
    });
    lines.once("close", () => {
      this.#isClosed = true;
      this.#closed.resolve();
      this.#hand(undefined);
    });
  }

  close(): void {
    this.#lines.close();
  }

  /** Fulfilled when nothing more is typed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** The next line, or one that was typed already; `undefined` when there will be none. */
  async next(prompt: string): Promise<string | undefined> {
    const early = this.#early.shift();
    if (early !== undefined) return early;
    return this.#wait(prompt);
  }

  /**
   * A line that is typed from now on: what was typed before was meant for something else.
   * `undefined` when there will be none, or `signal` aborts.
   */
  async fresh(prompt: string, signal: AbortSignal): Promise<string | undefined> {
    this.#early.length = 0;
    if (signal.aborted) return undefined;
    const giveUp = () => this.#hand(undefined);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await this.#wait(prompt);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  #wait(prompt: string): Promise<string | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    this.#lines.setPrompt(prompt);
    this.#lines.prompt();
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  #hand(line: string | undefined): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.(line);
  }
}
