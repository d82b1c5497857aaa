import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One call that somebody orders. */
export interface OrderedCall {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Words that an `ObeyingModel` takes for an order: what to call, step by step. */
export function order(...steps: readonly (readonly OrderedCall[])[]): string {
  return `!do[${Buffer.from(JSON.stringify(steps)).toString("base64url")}]`;
}

/** Words that an `ObeyingModel` takes for what it is to say when there is nothing to do. */
export function speech(text: string): string {
  return `!say[${Buffer.from(text).toString("base64url")}]`;
}

export function call(name: string, input: OrderedCall["input"] = {}): OrderedCall {
  return { name, input };
}

interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly unknown[];
}

const ORDER = /!do\[([\w-]+)\]/gu;
const SPEECH = /!say\[([\w-]+)\]/gu;

/**
 * A model service that speaks OpenAI's Chat Completions and does whatever it read last, whoever
 * wrote that: a person, a page, a note. Where it was told nothing it says that it is done.
 */
export class ObeyingModel {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #calls = 0;

  static async open(): Promise<ObeyingModel> {
    const model = new ObeyingModel();
    model.#server.listen(0, "127.0.0.1");
    await once(model.#server, "listening");
    return model;
  }

  get env(): Readonly<Record<string, string>> {
    const { port } = this.#server.address() as AddressInfo;
    return {
      NEXFLOW_MODEL: "openai/obeying",
      OPENAI_API_KEY: "test-key",
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { messages } = JSON.parse(await text(request)) as { messages: readonly ChatMessage[] };
    response.writeHead(200, { "content-type": "text/event-stream" });
    const calls = findOrders(messages);
    const send = (choice: object) =>
      response.write(
        `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 0, model: "obeying", choices: [{ index: 0, ...choice }] })}\n\n`,
      );
    if (calls.length === 0) {
      send({ delta: { role: "assistant", content: "" } });
      // A few letters at a time: as cut as can be.
      for (const [content] of findSpeech(messages).matchAll(/[^]{1,3}/gu)) {
        send({ delta: { content } });
      }
      send({ delta: {}, finish_reason: "stop" });
    } else {
      const wanted = calls.map(({ name, input }, index) => ({
        index,
        id: `call_${(this.#calls += 1)}`,
        type: "function",
        function: { name: name.replace(".", "__"), arguments: JSON.stringify(input) },
      }));
      send({ delta: { role: "assistant", tool_calls: wanted } });
      send({ delta: {}, finish_reason: "tool_calls" });
    }
    response.end("data: [DONE]\n\n");
  }
}

/** The next step of the order that was read last. */
function findOrders(messages: readonly ChatMessage[]): readonly OrderedCall[] {
  const at = messages.findLastIndex(({ content }) => ordersIn(content).length > 0);
  const last = ordersIn(messages[at]?.content).at(-1);
  if (last === undefined) return [];
  const steps = JSON.parse(Buffer.from(last, "base64url").toString()) as OrderedCall[][];
  const done = messages.slice(at + 1).filter(({ tool_calls: made = [] }) => made.length > 0).length;
  return steps[done] ?? [];
}

function findSpeech(messages: readonly ChatMessage[]): string {
  const spoken = Array.from(JSON.stringify(messages).matchAll(SPEECH), ([, found = ""]) => found);
  return Buffer.from(spoken.at(-1) ?? "", "base64url").toString() || "Done.";
}

function ordersIn(content: unknown): readonly string[] {
  return Array.from(JSON.stringify(content ?? "").matchAll(ORDER), ([, found = ""]) => found);
}
