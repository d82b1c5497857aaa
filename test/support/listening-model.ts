import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";

/** What a model was told, as OpenAI's Chat Completions API has it. */
export interface ToldRequest {
  readonly messages: readonly ToldMessage[];
  readonly tools?: readonly {
    readonly function: { readonly name: string; readonly parameters: object };
  }[];
}

export interface ToldMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content: string | null;
}

export type Reply = { readonly text: string } | { readonly tool: string; readonly input: object };

/** A model service that remembers what it was told and answers by a rule. */
export async function openListeningModel(reply: (request: ToldRequest) => Reply) {
  const requests: ToldRequest[] = [];
  const server = createServer((request, response) => void answerTo(request, response));
  const answerTo = async (request: IncomingMessage, response: ServerResponse) => {
    const told = JSON.parse(await readText(request)) as ToldRequest;
    requests.push(told);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const answer = reply(told);
    const delta =
      "text" in answer
        ? { role: "assistant", content: answer.text }
        : { role: "assistant", tool_calls: [toCall(answer, requests.length)] };
    const finish = "text" in answer ? "stop" : "tool_calls";
    const frames = [
      { choices: [{ index: 0, delta, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: finish }] },
    ];
    const head = { id: "c1", object: "chat.completion.chunk", created: 0, model: "listening" };
    for (const frame of frames)
      response.write(`data: ${JSON.stringify({ ...head, ...frame })}\n\n`);
    response.end("data: [DONE]\n\n");
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    env: {
      NEXFLOW_MODEL: "openai/listening",
      OPENAI_API_KEY: "test-key",
      OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function toCall({ tool, input }: { tool: string; input: object }, number: number) {
  const call = { name: tool, arguments: JSON.stringify(input) };
  return { index: 0, id: `call_${number}`, type: "function", function: call };
}
