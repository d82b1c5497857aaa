import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The part of a request that tests look at. */
export interface ModelRequest {
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** A model service that speaks the OpenAI API and says what a test wants, when it wants. */
export class ScriptedModel {
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      this.#begin(response, JSON.parse(Buffer.concat(chunks).toString("utf8")) as ModelRequest);
    });
  });
  readonly #waiting: ((answer: ModelAnswer) => void)[] = [];
  readonly #begun: ModelAnswer[] = [];

  static async open(): Promise<ScriptedModel> {
    const model = new ScriptedModel();
    model.#server.listen(0, "127.0.0.1");
    await once(model.#server, "listening");
    return model;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  get env(): Readonly<Record<string, string>> {
    return {
      NEXFLOW_MODEL: "openai/scripted",
      OPENAI_API_KEY: "test-key",
      OPENAI_BASE_URL: this.baseUrl,
    };
  }

  /** The next answer that Nexflow asks for. */
  nextAnswer(): Promise<ModelAnswer> {
    const begun = this.#begun.shift();
    if (begun !== undefined) return Promise.resolve(begun);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #begin(response: ServerResponse, request: ModelRequest): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const answer = new ModelAnswer(response, request);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(answer);
    else this.#begun.push(answer);
  }
}

/** One answer, as long as the test lets it go on. */
export class ModelAnswer {
  readonly #response: ServerResponse;
  /** What Nexflow asked with. */
  readonly request: ModelRequest;
  #reason = "stop";
  /** Fulfilled when Nexflow hangs up before the end. */
  readonly abandoned: Promise<void>;

  constructor(response: ServerResponse, request: ModelRequest) {
    this.#response = response;
    this.request = request;
    this.abandoned = new Promise((resolve) => {
      response.on("close", () => {
        if (!response.writableFinished) resolve();
      });
    });
  }

  say(...words: readonly string[]): void {
    for (const content of words) this.#send({ delta: { role: "assistant", content } });
  }

  /** Asks for a call of `<skill>.<tool>`. */
  call(tool: string, input: object): void {
    const name = tool.replace(".", "__");
    const call = { name, arguments: JSON.stringify(input) };
    const id = `call_${randomUUID()}`;
    this.#send({ delta: { tool_calls: [{ index: 0, id, type: "function", function: call }] } });
    this.#reason = "tool_calls";
  }

  end(): void {
    this.#send({ delta: {}, finish_reason: this.#reason });
    this.#response.end("data: [DONE]\n\n");
  }

  #send(choice: object): void {
    const head = { id: "c", object: "chat.completion.chunk", created: 0, model: "scripted" };
    const chunk = { ...head, choices: [{ index: 0, finish_reason: null, ...choice }] };
    this.#response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}
