import { describe, test } from "vitest";
import { ask, message } from "../../contract/llm.ts";
import { MODEL_APIS } from "../../support/model-apis.ts";
import { openModelSocket, responseHead } from "../../support/model-socket.ts";

const hello = [message("user", { kind: "text", text: "hello" })];

describe("servers that only resemble OpenAI's", () => {
  test("stream() puts interleaved calls together and needs no usage", async ({ expect }) => {
    const pieces = [
      { index: 0, id: "call_0", function: { name: "calculator__evaluate", arguments: "" } },
      { index: 1, id: "call_0", function: { name: "no__such", arguments: '{"a"' } },
      { index: 0, function: { arguments: '{"expression":' } },
      { index: 1, function: { arguments: ":1}" } },
      { index: 0, function: { arguments: '"1+1"}' } },
      { index: 2, id: "call_2", function: { name: "calculator__evaluate" } },
    ];
    expect(await answerOf(pieces.map((piece) => chunk({ tool_calls: [piece] })))).toMatchObject([
      { name: "calculator.evaluate", input: { kind: "json", value: { expression: "1+1" } } },
      { name: "no.such", input: { kind: "json", value: { a: 1 } } },
      { name: "calculator.evaluate", input: { kind: "json", value: {} } },
      { kind: "finished", reason: "tool-calls", usage: { inputTokens: 0, outputTokens: 0 } },
    ]);
  });

  test("stream() tells calls apart that have no index, but an id", async ({ expect }) => {
    const pieces = [
      { id: "a", function: { name: "calculator__evaluate", arguments: '{"expression":' } },
      { function: { arguments: '"1"}' } },
      { id: "b", function: { name: "calculator__evaluate", arguments: '{"expression":"2"}' } },
    ];
    expect(await answerOf(pieces.map((piece) => chunk({ tool_calls: [piece] })))).toMatchObject([
      { input: { value: { expression: "1" } } },
      { input: { value: { expression: "2" } } },
      { kind: "finished", reason: "tool-calls" },
    ]);
  });
});

describe.for(MODEL_APIS)("$name without a key", (api) => {
  test("stream() sends none to a server on this machine", async ({ expect }) => {
    await using server = await openModelSocket((socket) => {
      const said = api.head + api.text("Hi") + api.end("stop");
      socket.end(responseHead(200, { "content-type": api.contentType }) + said);
    });
    await ask(api.create({ apiKey: undefined, baseUrl: server.url + api.base }), hello);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.head).not.toMatch(/^(?:authorization|x-api-key|api-key):/imu);
  });
});

async function answerOf(chunks: readonly string[]) {
  await using server = await openModelSocket((socket) => {
    const end = `${chunk({}, "stop")}data: [DONE]\n\n`;
    const head = responseHead(200, { "content-type": "text/event-stream" });
    socket.end(head + chunks.join("") + end);
  });
  const api = MODEL_APIS.find(({ name }) => name === "custom");
  if (api === undefined) throw new Error("Expected an API");
  return await ask(api.create({ apiKey: undefined, baseUrl: `${server.url}/v1` }), hello);
}

function chunk(delta: object, finishReason: string | null = null): string {
  const body = { choices: [{ index: 0, delta, finish_reason: finishReason }] };
  return `data: ${JSON.stringify(body)}\n\n`;
}
