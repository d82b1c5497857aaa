import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A model service that speaks the OpenAI API and says what a test wants, when it wants. */
export class ScriptedModel {
  readonly #server = createServer((request, response) => {
    request.resume();
    request.on("end", () => this.#begin(response));
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

  #begin(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const answer = new ModelAnswer(response);
    const waiting = this.#waiting.shift();
    if (waiting) waiting(answer);
    else this.#begun.push(answer);
  }
}

/** One answer, as long as the test lets it go on. */
export class ModelAnswer {
  readonly #response: ServerResponse;
  /** Fulfilled when Nexflow hangs up before the end. */
  readonly abandoned: Promise<void>;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.abandoned = new Promise((resolve) => {
      response.on("close", () => {
        if (!response.writableFinished) resolve();
      });
    });
  }

  say(...words: readonly string[]): void {
    for (const content of words) this.#send({ delta: { role: "assistant", content } });
  }

  end(): void {
    this.#send({ delta: {}, finish_reason: "stop" });
    this.#response.end("data: [DONE]\n\n");
  }

  #send(choice: object): void {
    const head = { id: "c", object: "chat.completion.chunk", created: 0, model: "scripted" };
    const chunk = { ...head, choices: [{ index: 0, finish_reason: null, ...choice }] };
    this.#response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
}
