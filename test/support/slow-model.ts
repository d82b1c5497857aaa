import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface SlowModelOptions {
  /** How long an answer takes to a question that begins with "slow"; any other takes no time. */
  readonly answerMs: number;
  readonly words: number;
}

interface Answer {
  readonly response: ServerResponse;
  readonly words: readonly string[];
  said: number;
}

/**
 * A model service that speaks the OpenAI API, for any number of answers at once: a word at a time,
 * the same answer to the same question.
 */
export class SlowModel implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => this.#begin(lastQuestionIn(body), response));
  });
  readonly #answers = new Set<Answer>();
  readonly #options: SlowModelOptions;
  readonly #timer: NodeJS.Timeout;
  /** How often each question was asked. */
  readonly asked = new Map<string, number>();

  private constructor(options: SlowModelOptions) {
    this.#options = options;
    // One clock for all: a timer for each word would cost more than the words.
    this.#timer = setInterval(() => this.#sayNext(), options.answerMs / options.words);
  }

  static async open(options: SlowModelOptions): Promise<SlowModel> {
    const model = new SlowModel(options);
    model.#server.listen(0, "127.0.0.1", 2_048);
    await once(model.#server, "listening");
    return model;
  }

  get env(): Readonly<Record<string, string>> {
    return {
      NEXFLOW_MODEL: "openai/slow",
      OPENAI_API_KEY: "test-key",
      OPENAI_BASE_URL: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`,
    };
  }

  /** How many answers are being given. */
  get running(): number {
    return this.#answers.size;
  }

  answerTo(question: string): string {
    return this.#wordsFor(question).join("");
  }

  /** Whether that is the answer to a question; for whoever has no model at hand. */
  readonly isAnswer = (question: string, answer: string): boolean => {
    return answer === this.answerTo(question);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #wordsFor(question: string): string[] {
    return Array.from({ length: this.#options.words }, (_, at) => `${question}:${at} `);
  }

  #begin(question: string, response: ServerResponse): void {
    this.asked.set(question, (this.asked.get(question) ?? 0) + 1);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const answer = { response, words: this.#wordsFor(question), said: 0 };
    if (question.startsWith("slow")) {
      this.#answers.add(answer);
      response.on("close", () => this.#answers.delete(answer));
    } else for (const _ of answer.words) this.#say(answer);
  }

  #sayNext(): void {
    for (const answer of this.#answers) this.#say(answer);
  }

  #say(answer: Answer): void {
    const { response, words } = answer;
    const content = words[answer.said];
    answer.said += 1;
    if (content !== undefined) response.write(chunk({ delta: { role: "assistant", content } }));
    if (answer.said !== words.length) return;
    response.end(`${chunk({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`);
  }
}

function lastQuestionIn(body: string): string {
  const { messages } = JSON.parse(body) as {
    messages: { role: string; content: string | { text: string }[] }[];
  };
  const content = messages.findLast(({ role }) => role === "user")?.content ?? "";
  return typeof content === "string" ? content : content.map(({ text }) => text).join("");
}

function chunk(choice: object): string {
  const head = { id: "c", object: "chat.completion.chunk", created: 0, model: "slow" };
  const body = { ...head, choices: [{ index: 0, finish_reason: null, ...choice }] };
  return `data: ${JSON.stringify(body)}\n\n`;
}
