import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a model does about one message. */
export type ModelDeed =
  | { readonly kind: "say"; readonly text: string; readonly chars: number }
  | { readonly kind: "think"; readonly text: string; readonly chars: number }
  | { readonly kind: "call"; readonly name: string; readonly json: string }
  /** Refuses the request, with the key it was shown in the message. */
  | { readonly kind: "refuse"; readonly status: number; readonly text: string };

const UNKNOWN: readonly ModelDeed[] = [
  { kind: "refuse", status: 400, text: "This is not for me:" },
];

interface WireMessage {
  readonly role: string;
  readonly content?: unknown;
}

/**
 * A model service that does what a test has written down for a message, by OpenAI's chat API. After
 * tools it repeats their results.
 */
export class EchoModel implements AsyncDisposable {
  readonly #deeds: Readonly<Record<string, readonly ModelDeed[]>>;
  readonly #server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      this.bodies.push(body);
      if (request.method !== "POST") return void response.writeHead(404).end();
      this.#answer(request, response, JSON.parse(body) as { messages: WireMessage[] });
    });
  });
  /** All that it was asked. */
  readonly bodies: string[] = [];

  private constructor(deeds: Readonly<Record<string, readonly ModelDeed[]>>) {
    this.#deeds = deeds;
  }

  static async open(deeds: Readonly<Record<string, readonly ModelDeed[]>>): Promise<EchoModel> {
    const model = new EchoModel(deeds);
    model.#server.listen(0, "127.0.0.1");
    await once(model.#server, "listening");
    return model;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { messages }: { readonly messages: readonly WireMessage[] },
  ): void {
    const last = messages.at(-1);
    const asked = textOf(messages.findLast(({ role }) => role === "user"));
    const said = { kind: "say", text: textOf(last), chars: 7 } as const;
    const deeds = last?.role === "tool" ? [said] : (this.#deeds[asked] ?? UNKNOWN);
    const refusal = deeds.find((deed) => deed.kind === "refuse");
    if (refusal !== undefined) {
      const key = (request.headers.authorization ?? "").replace("Bearer ", "");
      const error = { message: `${refusal.text} ${key}`, type: "test", code: "test" };
      response.writeHead(refusal.status, { "content-type": "application/json" });
      response.end(JSON.stringify({ error }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [at, deed] of deeds.entries())
      for (const delta of deltasOf(deed, at)) response.write(chunk(delta));
    const calls = deeds.some(({ kind }) => kind === "call");
    response.write(chunk({}, calls ? "tool_calls" : "stop"));
    response.end("data: [DONE]\n\n");
  }
}

function deltasOf(deed: ModelDeed, at: number): readonly object[] {
  switch (deed.kind) {
    case "say":
      return pieces(deed).map((content) => ({ content }));
    case "think":
      return pieces(deed).map((text) => ({ reasoning_content: text }));
    case "call": {
      const named = { name: deed.name, arguments: "" };
      const call = { index: at, id: `call_${at}`, type: "function" };
      return [
        { tool_calls: [{ ...call, function: named }] },
        ...pieces({ text: deed.json, chars: 5 }).map((part) => ({
          tool_calls: [{ index: at, function: { arguments: part } }],
        })),
      ];
    }
    case "refuse":
      return [];
    default:
      return deed satisfies never;
  }
}

function pieces({ text, chars }: { readonly text: string; readonly chars: number }): string[] {
  const count = Math.ceil(text.length / chars);
  return Array.from({ length: count }, (_, at) => text.slice(at * chars, (at + 1) * chars));
}

function textOf(message: WireMessage | undefined): string {
  const content = message?.content ?? "";
  if (typeof content === "string") return content;
  return (content as { readonly text?: string }[]).map(({ text = "" }) => text).join("");
}

function chunk(delta: object, finish: string | null = null): string {
  const head = { id: "c", object: "chat.completion.chunk", created: 0, model: "echo" };
  const body = { ...head, choices: [{ index: 0, delta, finish_reason: finish }] };
  return `data: ${JSON.stringify(body)}\n\n`;
}
