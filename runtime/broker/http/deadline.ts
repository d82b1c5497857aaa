/** How long a request may take in all. Each hop may shorten it; the call's end ends it. */
export class Deadline {
  readonly #ended = new AbortController();
  readonly #startedMs = performance.now();
  readonly #call: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #timeoutMs = Number.POSITIVE_INFINITY;
  readonly #abort = () => this.#ended.abort(new Error("The call has ended"));

  constructor(call: AbortSignal) {
    this.#call = call;
    if (call.aborted) this.#abort();
    else call.addEventListener("abort", this.#abort, { once: true });
  }

  /** Aborted when the time is over or the call has ended; its reason says which, for the guest. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Lets the request take at most `timeoutMs` from its beginning. */
  shortenTo(timeoutMs: number): void {
    if (timeoutMs >= this.#timeoutMs) return;
    this.#timeoutMs = timeoutMs;
    clearTimeout(this.#timer);
    const leftMs = Math.max(0, this.#startedMs + timeoutMs - performance.now());
    const reason = new Error(`The request took longer than ${timeoutMs} ms`);
    this.#timer = setTimeout(() => this.#ended.abort(reason), leftMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#call.removeEventListener("abort", this.#abort);
  }
}
