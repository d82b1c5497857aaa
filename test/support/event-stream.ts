/** One server-sent event. */
export interface SentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly retry?: string;
}

/** A client's stream of server-sent events with an inbox that can be waited for. */
export class TestEventStream implements AsyncDisposable {
  readonly response: Response;
  readonly events: SentEvent[] = [];
  readonly comments: string[] = [];
  /** Fulfilled when the server has ended the stream, or the line broke. */
  readonly ended: Promise<"ended" | "broken">;
  readonly #abort: AbortController;
  readonly #waiting: ((event: SentEvent) => void)[] = [];
  #taken = 0;

  constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    this.ended = this.#read();
  }

  static async open(
    url: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<TestEventStream> {
    const abort = new AbortController();
    return new TestEventStream(await fetch(url, { headers, signal: abort.signal }), abort);
  }

  /** The next event with data not taken yet. */
  next(): Promise<SentEvent> {
    const at = this.#taken;
    this.#taken += 1;
    const event = this.events[at];
    if (event !== undefined) return Promise.resolve(event);
    const { promise, resolve } = Promise.withResolvers<SentEvent>();
    this.#waiting.push(resolve);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }

  async #read(): Promise<"ended" | "broken"> {
    let text = "";
    try {
      for await (const chunk of this.response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) this.#take(block);
      }
      return "ended";
    } catch {
      return "broken";
    }
  }

  #take(block: string): void {
    if (block.startsWith(":") || block === "") return void this.comments.push(block);
    const fields = block.split("\n").map((line) => {
      const at = line.indexOf(": ");
      return [line.slice(0, at), line.slice(at + 2)];
    });
    const event: SentEvent = Object.fromEntries(fields);
    this.events.push(event);
    this.#waiting.shift()?.(event);
  }
}
