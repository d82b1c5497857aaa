import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import type { LlmEvent } from "#application/ports/llm.ts";
import type { Message, ReasoningPart } from "#domain/message/message.ts";
import { parseToolCallId } from "#domain/shared/id.ts";
import {
  ask,
  calculation,
  calculator,
  collect,
  message,
  request,
  textIn,
} from "../../contract/llm.ts";
import { MODEL_APIS, type ModelApi } from "../../support/model-apis.ts";
import { openModelSocket, responseHead } from "../../support/model-socket.ts";

const KEY = "sk-canary-1234567890";
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const RECORDINGS = path.join(import.meta.dirname, "../../fixtures/model-streams");
const hello = [message("user", { kind: "text", text: "hello" })];

describe.for(MODEL_APIS)("a recorded answer of $name", (api) => {
  test.for([
    ["as a whole", 1_000_000],
    ["in pieces of 7 bytes", 7],
    ["byte by byte", 1],
  ] as const)("stream() reads it %s", async ([, size], { expect }) => {
    const { events } = await replay(api, size);
    expect(textIn(events)).toBe("Grüße 👋, zwei Summen:");
    expect(events.filter(({ kind }) => kind === "tool-call")).toMatchObject([
      { name: "calculator.evaluate", input: { kind: "json", value: { expression: "1+1" } } },
      { name: "calculator.evaluate", input: { kind: "json", value: { expression: "2·3" } } },
    ]);
    const thoughts = events.map((event) => (event.kind === "reasoning" ? event.delta : ""));
    expect(thoughts.join("")).toBe("Zwei Summen – 🧮.");
    expect(thoughtsIn(events)[0]).toMatchObject({ text: "Zwei Summen – 🧮." });
    const end = events.at(-1);
    expect(end).toMatchObject({ kind: "finished", reason: "tool-calls" });
    expect(end).toMatchObject({ usage: { inputTokens: 120, outputTokens: 45 } });
  });

  test("stream() sends thoughts back, unchanged and in their place, to their own service only", async ({
    expect,
  }) => {
    const { events, provider } = await replay(api, 1_000_000);
    const thoughts = thoughtsIn(events);
    const others = thoughts.map((part) => ({ ...part, provider: "somebody-else" }));
    const [own, foreign] = [
      await bodyOf(api, conversationWith(thoughts)),
      await bodyOf(api, conversationWith(others)),
    ];
    for (const { text, opaque } of thoughts) {
      expect(foreign).not.toContain(text === "" ? JSON.stringify(opaque) : text);
      expect(thoughts[0]?.provider).toBe(provider);
    }
    expect(own).toContain("Zwei Summen – 🧮.");
    expect(own).toMatch(ECHOES[api.recording] ?? /^$/u);
  });

  test("stream() leaves out thoughts that led nowhere", async ({ expect }) => {
    const { events } = await replay(api, 1_000_000);
    const [question] = calculation();
    const stopped = message("assistant", ...thoughtsIn(events));
    if (question === undefined) throw new Error("Expected a question");
    expect(await bodyOf(api, [question, stopped, ...hello])).not.toContain("Zwei Summen");
  });

  test("stream() sends pictures, limits and every call with its result", async ({ expect }) => {
    const picture = message(
      "user",
      { kind: "text", text: "what is this" },
      { kind: "image", mediaType: "image/png", data: PIXEL },
    );
    const [question, call, result] = calculation();
    if (!question || !call || !result) throw new Error("Expected three messages");
    const lost = message("assistant", {
      kind: "tool-call",
      toolCallId: parseToolCallId("call_lost"),
      name: "calculator.evaluate",
      input: { expression: "0" },
    });
    const messages = [result, question, call, result, lost, picture];
    const asked = { ...request(messages), maxOutputTokens: 4_000, reasoning: "low" } as const;
    const body: unknown = JSON.parse(await bodyOf(api, messages, asked));
    const file = path.join(RECORDINGS, `${path.parse(api.recording).name}.request.json`);
    const expected = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
    expect(body).toEqual({ ...expected, model: api.name === "custom" ? "test/large" : "test" });
  });

  test("stream() tells the service which trace its answer belongs to, where it is told", async ({
    expect,
  }) => {
    const traceParent = "00-01a21b6da2517244bfe8b92b44d4d559-bfe8bd030a4c2b49-01";
    await using server = await openModelSocket((socket) => {
      const head = responseHead(200, { "content-type": api.contentType });
      socket.end(head + api.head + api.text("Hi") + api.end("stop"));
    });
    const llm = api.create({ apiKey: KEY, baseUrl: `${server.url}${api.base}` });
    await collect(llm, { ...request(hello), traceParent }, new AbortController().signal);
    await ask(llm, hello);
    const told = server.requests.map(({ head }) => /^traceparent: (\S+)/imu.exec(head)?.[1]);
    expect(told).toEqual([traceParent, undefined]);
  });

  test("stream() keeps the connection for the next answer", async ({ expect }) => {
    const { connections } = await replay(api, 1_000_000, 3);
    expect(connections).toBe(1);
  });
});

/** How the thoughts of each recording stand in the next request. */
const ECHOES: Readonly<Record<string, RegExp>> = {
  "openai-chat.sse": /"reasoning_content":"Zwei Summen – 🧮\."/u,
  "openai-responses.sse":
    /"type":"reasoning","id":"rs_01","summary":\[\{"type":"summary_text","text":"Zwei Summen – 🧮\."\}\],"encrypted_content":"gAAAAABo-secret-thoughts=="/u,
  "anthropic.sse":
    /"type":"thinking","thinking":"Zwei Summen – 🧮\.","signature":"EqQBCkYIAxgCKkDsigned=="\},\{"type":"redacted_thinking","data":"EmwKAhgBEgyRedacted=="\},\{"type":"text"/u,
  "ollama.ndjson": /"thinking":"Zwei Summen – 🧮\."/u,
};

async function replay(api: ModelApi, pieceBytes: number, times = 1) {
  const bytes = await readFile(path.join(RECORDINGS, api.recording));
  let ended = Promise.withResolvers<void>();
  await using server = await openModelSocket((socket) => {
    socket.setNoDelay(true);
    socket.write(
      responseHead(200, { "content-type": api.contentType, "transfer-encoding": "chunked" }),
    );
    const send = (start: number): void => {
      const piece = bytes.subarray(start, start + pieceBytes);
      if (piece.length === 0) return void socket.write("0\r\n\r\n", () => ended.resolve());
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write("\r\n", () => send(start + pieceBytes));
    };
    send(0);
  });
  const llm = api.create({ apiKey: KEY, baseUrl: `${server.url}${api.base}` });
  let events: LlmEvent[] = [];
  for (let time = 0; time < times; time += 1) {
    events = await ask(llm, hello);
    // The end of the body comes behind the end of the answer; it is read with the next of the loop.
    await ended.promise;
    ended = Promise.withResolvers();
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const provider = llm.name.slice(0, llm.name.indexOf("/"));
  return { events, provider, connections: server.connections };
}

async function bodyOf(
  api: ModelApi,
  messages: readonly Message[],
  asked = request(messages),
): Promise<string> {
  await using server = await openModelSocket((socket) => {
    socket.end(
      `${responseHead(200, { "content-type": api.contentType })}${api.head}${api.text("ok")}${api.end("stop")}`,
    );
  });
  const llm = api.create({ apiKey: KEY, baseUrl: `${server.url}${api.base}` });
  await collect(llm, asked);
  return server.requests[0]?.body ?? "";
}

function thoughtsIn(events: readonly LlmEvent[]): ReasoningPart[] {
  return events.flatMap((event) => (event.kind === "reasoning-ended" ? [event.part] : []));
}

function conversationWith(thoughts: readonly ReasoningPart[]): readonly Message[] {
  const [question, call, result] = calculation();
  if (!question || !call || !result) throw new Error("Expected three messages");
  const text = { kind: "text", text: "I add." } as const;
  return [question, message("assistant", ...thoughts, text, ...call.parts), result];
}

test("a request names tools of the agent's own by their bare names", async ({ expect }) => {
  const [api] = MODEL_APIS;
  if (api === undefined) throw new Error("Expected an API");
  const own = {
    ...calculator,
    name: "agent",
    tools: calculator.tools.map((tool) => ({ ...tool, name: "activate_skill" })),
  };
  const body = await bodyOf(api, hello, { ...request(hello), skills: [own] });
  expect(body).toContain('"name":"activate_skill"');
});
