import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const BYTES_PER_TOKEN = 4;
const BEGUN_TOKENS = 5;

interface Asked {
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly messages: readonly { readonly role: string; readonly content?: unknown }[];
}

/** What a model does when it is asked. */
export type Deed =
  /** It says as much as it may. */
  | { readonly kind: "say" }
  /** It says a few words and never ends. */
  | { readonly kind: "hang" }
  /** It wants a tool to be called. */
  | { readonly kind: "call"; readonly name: string; readonly input: object };

export interface CountingModelOptions {
  readonly perTokenMs: number;
  /** Of the question that was asked last, which goes on `Tell me about <topic>`. */
  readonly deedFor?: (topic: string) => Deed;
}

/** What was asked about one topic. */
export interface TopicCount {
  /** What would have to be paid for: all that was read, and each token that was written. */
  tokens: number;
  read: number;
  written: number;
  calls: number;
  /** The most that was given to read at once. */
  mostRead: number;
  /** When the last call came, on the clock of the machine. */
  askedAtMs: number;
}

/**
 * A model that counts what it would have to be paid for: all it was given to read, and each token
 * that it wrote, whether or not anybody was there to take it.
 */
export class CountingModel {
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response);
  });
  readonly #waiting: { readonly topic: string | undefined; readonly resolve: () => void }[] = [];
  readonly #options: CountingModelOptions;
  readonly #topics = new Map<string, TopicCount>();
  /** The longest answer that it was let give. */
  mostOutput = 0;

  private constructor(options: CountingModelOptions) {
    this.#options = options;
  }

  static async open(options: CountingModelOptions): Promise<CountingModel> {
    const model = new CountingModel(options);
    model.#server.listen(0, "127.0.0.1");
    await once(model.#server, "listening");
    return model;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  get tokens(): number {
    return [...this.#topics.values()].reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** The most that it was given to read at once. */
  get mostRead(): number {
    return Math.max(...[...this.#topics.values()].map(({ mostRead }) => mostRead));
  }

  of(topic: string): TopicCount {
    let count = this.#topics.get(topic);
    if (count === undefined) {
      count = { tokens: 0, read: 0, written: 0, calls: 0, mostRead: 0, askedAtMs: 0 };
      this.#topics.set(topic, count);
    }
    return count;
  }

  /** Fulfilled when the next answer has begun. */
  nextBegun(topic?: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ topic, resolve }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const asked = JSON.parse(body.toString("utf8")) as Asked;
    const topic = topicOf(asked);
    const deed = this.#options.deedFor?.(topic) ?? { kind: "say" };
    const read = Math.ceil(body.length / BYTES_PER_TOKEN);
    const most = asked.max_completion_tokens ?? asked.max_tokens ?? 1_000_000;
    const count = this.of(topic);
    count.calls += 1;
    count.askedAtMs = Date.now();
    count.read += read;
    count.tokens += read;
    count.mostRead = Math.max(count.mostRead, read);
    this.mostOutput = Math.max(this.mostOutput, most);
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (deed.kind === "call") {
      this.#noteBegun(topic);
      return call(response, deed, read);
    }
    for (let written = 1; written <= most; written += 1) {
      if (response.destroyed) return;
      if (deed.kind === "hang" && written > BEGUN_TOKENS) return;
      count.written += 1;
      count.tokens += 1;
      send(response, { choices: [{ index: 0, delta: { content: "one " }, finish_reason: null }] });
      if (written === BEGUN_TOKENS) this.#noteBegun(topic);
      await new Promise((resolve) => setTimeout(resolve, this.#options.perTokenMs));
    }
    finish(response, "length", { read, written: most });
  }

  #noteBegun(topic: string): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.topic === undefined || waiting.topic === topic) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }
}

function topicOf({ messages }: Asked): string {
  const question = messages.findLast(({ role }) => role === "user")?.content;
  return /Tell me about ([\w-]+)/u.exec(JSON.stringify(question))?.[1] ?? "";
}

let calls = 0;

function call(
  response: ServerResponse,
  { name, input }: Extract<Deed, { kind: "call" }>,
  read: number,
): void {
  const made = { name: name.replace(".", "__"), arguments: JSON.stringify(input) };
  const wanted = [{ index: 0, id: `call_${(calls += 1)}`, type: "function", function: made }];
  send(response, { choices: [{ index: 0, delta: { tool_calls: wanted }, finish_reason: null }] });
  finish(response, "tool_calls", { read, written: 1 });
}

function finish(
  response: ServerResponse,
  reason: string,
  { read, written }: { readonly read: number; readonly written: number },
): void {
  send(response, { choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  const usage = { prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
  send(response, { choices: [], usage });
  response.end("data: [DONE]\n\n");
}

function send(response: ServerResponse, chunk: object): void {
  const head = { id: "c", object: "chat.completion.chunk", created: 0, model: "counting" };
  response.write(`data: ${JSON.stringify({ ...head, ...chunk })}\n\n`);
}
