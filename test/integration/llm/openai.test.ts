import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { LLMock } from "@copilotkit/aimock";
import { describe, test } from "vitest";
import { Fault } from "#domain/shared/fault.ts";
import { createOpenAiLlm, type OpenAiOptions } from "#infrastructure/llm/openai.ts";
import {
  ask,
  calculation,
  describeLlm,
  message,
  type OpenedLlm,
  request,
  textIn,
} from "../../contract/llm.ts";

const KEY = "sk-canary-1234567890";
const hello = [message("user", { kind: "text", text: "hello" })];

describeLlm("openai", () =>
  openMocked((mock) => {
    mock.onMessage("hello", { content: "Hi! ".repeat(40) });
    mock.on(
      { userMessage: "2+2", hasToolResult: false },
      { toolCalls: [{ name: "calculator__evaluate", arguments: '{"expression":"2+2"}' }] },
    );
    mock.on({ toolResultContains: '"result":"4"' }, { content: "That makes 4." });
  }),
);

describe("openai against aimock", () => {
  test("stream() gives parallel tool calls in order, with the text before them", async ({
    expect,
  }) => {
    await using opened = await openMocked((mock) => {
      mock.onMessage("hello", {
        content: "Two sums.",
        toolCalls: [
          { name: "calculator__evaluate", arguments: '{"expression":"1+1"}' },
          { name: "calculator__evaluate", arguments: '{"expression":"2+2"}' },
        ],
      });
    });
    const events = await ask(opened.llm, hello);
    expect(textIn(events)).toBe("Two sums.");
    expect(events.filter(({ kind }) => kind !== "text")).toMatchObject([
      { name: "calculator.evaluate", input: { value: { expression: "1+1" } } },
      { name: "calculator.evaluate", input: { value: { expression: "2+2" } } },
      { kind: "finished", reason: "tool-calls" },
    ]);
  });

  test("stream() hands over arguments that are not JSON as malformed", async ({ expect }) => {
    await using opened = await openMocked((mock) => {
      mock.onMessage("hello", {
        toolCalls: [{ name: "calculator__evaluate", arguments: '{"expression": 2+' }],
      });
    });
    const [event] = await ask(opened.llm, hello);
    expect(event).toMatchObject({ input: { kind: "malformed", text: '{"expression": 2+' } });
  });

  test("stream() reports the usage that the service counted", async ({ expect }) => {
    await using opened = await openMocked((mock) => {
      mock.onMessage("hello", {
        content: "Hi",
        usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
      });
    });
    expect((await ask(opened.llm, hello)).at(-1)).toMatchObject({
      usage: { inputTokens: 11, outputTokens: 7 },
    });
  });

  test.for([
    [401, "LLM_UNAUTHORIZED"],
    [404, "LLM_REFUSED"],
    [400, "LLM_REFUSED"],
    [429, "LLM_RATE_LIMITED"],
    [500, "LLM_UNAVAILABLE"],
  ] as const)(
    "stream() throws on status %i the fault %s, without the key",
    async ([status, code], { expect }) => {
      await using opened = await openMocked((mock) => {
        mock.onMessage("hello", { status, error: { message: `No, ${KEY} will not do` } });
      });
      const fault = await faultOf(ask(opened.llm, hello));
      expect(fault.code).toBe(code);
      expect(fault.message).toContain("openai/test");
      expect(`${fault.message}${JSON.stringify(fault)}${fault.stack}`).not.toContain(KEY);
      expect(fault.cause).toBeUndefined();
    },
  );

  test("stream() tries a failed request again before the first token", async ({ expect }) => {
    await using opened = await openMocked(
      (mock) => {
        mock.onMessage("hello", { content: "Hi there" });
        mock.nextRequestError(500);
      },
      { maxRetries: 1 },
    );
    expect(textIn(await ask(opened.llm, hello))).toBe("Hi there");
  });
});

describe("openai against a server that fails", () => {
  test.for<[string, (response: ServerResponse) => void]>([
    ["ends", (response) => response.end()],
    ["breaks", (response) => response.destroy()],
  ])(
    "stream() throws LLM_BAD_ANSWER where the stream %s too early",
    async ([, end], { expect }) => {
      await using opened = await openServed((_, response) => {
        response.write(textChunk("Half of"));
        response.write(textChunk(" it"), () => end(response));
      });
      expect(await faultOf(ask(opened.llm, hello))).toMatchObject({ code: "LLM_BAD_ANSWER" });
    },
  );

  test("stream() throws LLM_BAD_ANSWER for a stream that is not JSON", async ({ expect }) => {
    await using opened = await openServed((_, response) => response.end("data: {oops\n\n"));
    expect(await faultOf(ask(opened.llm, hello))).toMatchObject({ code: "LLM_BAD_ANSWER" });
  });

  test("stream() throws LLM_UNAVAILABLE for an error in mid-stream", async ({ expect }) => {
    await using opened = await openServed((_, response) => {
      response.write(textChunk("Half"));
      response.end('data: {"error":{"message":"out of memory"}}\n\n');
    });
    const fault = await faultOf(ask(opened.llm, hello));
    expect(fault).toMatchObject({ code: "LLM_UNAVAILABLE" });
    expect(fault.message).toContain("out of memory");
  });

  test("stream() throws LLM_TIMEOUT when no first token comes", async ({ expect }) => {
    await using opened = await openServed(() => {}, { firstTokenMs: 50 });
    expect(await faultOf(ask(opened.llm, hello))).toMatchObject({ code: "LLM_TIMEOUT" });
  });

  test("stream() throws LLM_TIMEOUT when no further token comes", async ({ expect }) => {
    await using opened = await openServed((_, response) => response.write(textChunk("Half")), {
      betweenTokensMs: 50,
    });
    expect(await faultOf(ask(opened.llm, hello))).toMatchObject({ code: "LLM_TIMEOUT" });
  });

  test("stream() leaves a reader time that is slower than the limit", async ({ expect }) => {
    await using opened = await openServed(
      (_, response) => response.end(`${textChunk("a")}${textChunk("b")}${finishChunk()}`),
      { firstTokenMs: 2_000, betweenTokensMs: 20 },
    );
    let said = "";
    for await (const event of opened.llm.stream(request(hello), new AbortController().signal)) {
      if (event.kind !== "text") continue;
      said += event.delta;
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(said).toBe("ab");
  });

  test("stream() ends within 100 ms of an abort while the server hangs, and hangs up", async ({
    expect,
  }) => {
    const asked = Promise.withResolvers<void>();
    const hungUp = Promise.withResolvers<void>();
    await using opened = await openServed((_, response) => {
      response.on("close", hungUp.resolve);
      asked.resolve();
    });
    const abort = new AbortController();
    const answer = ask(opened.llm, hello, abort.signal);
    await asked.promise;
    const abortedAtMs = performance.now();
    abort.abort();
    expect(await answer).toEqual([]);
    expect(performance.now() - abortedAtMs).toBeLessThan(1_000);
    await hungUp.promise;
  });

  test("stream() stops an answer without end", async ({ expect }) => {
    const hungUp = Promise.withResolvers<void>();
    await using opened = await openServed(
      (_, response) => {
        const more = () => response.write(textChunk("x".repeat(500)), (error) => !error && more());
        response.on("close", hungUp.resolve);
        more();
      },
      { maxAnswerChars: 10_000 },
    );
    expect(await faultOf(ask(opened.llm, hello))).toMatchObject({ code: "LLM_BAD_ANSWER" });
    await hungUp.promise;
  });

  test("stream() throws LLM_UNAVAILABLE when nobody listens", async ({ expect }) => {
    const opened = await openServed(() => {});
    await opened[Symbol.asyncDispose]();
    const fault = await faultOf(ask(opened.llm, hello));
    expect(fault).toMatchObject({ code: "LLM_UNAVAILABLE" });
    expect(fault.message).toMatch(/^Cannot reach model "openai\/test" at 127.*: ECONNREFUSED$/u);
  });

  test("stream() puts interleaved calls together and needs no usage", async ({ expect }) => {
    await using opened = await openServed((_, response) => {
      const pieces = [
        { index: 0, id: "call_0", function: { name: "calculator__evaluate", arguments: "" } },
        { index: 1, id: "call_0", function: { name: "no__such", arguments: '{"a"' } },
        { index: 0, function: { arguments: '{"expression":' } },
        { index: 1, function: { arguments: ":1}" } },
        { index: 0, function: { arguments: '"1+1"}' } },
        { index: 2, id: "call_2", function: { name: "calculator__evaluate" } },
      ];
      for (const piece of pieces) response.write(chunk({ tool_calls: [piece] }));
      response.end(finishChunk());
    });
    const events = await ask(opened.llm, hello);
    expect(events).toMatchObject([
      { name: "calculator.evaluate", input: { kind: "json", value: { expression: "1+1" } } },
      { name: "no.such", input: { kind: "json", value: { a: 1 } } },
      { name: "calculator.evaluate", input: { kind: "json", value: {} } },
      { kind: "finished", reason: "tool-calls", usage: { inputTokens: 0, outputTokens: 0 } },
    ]);
  });

  test("stream() sends each result right behind its call and none alone", async ({ expect }) => {
    const bodies: string[] = [];
    await using opened = await openServed((incoming, response) => {
      void text(incoming).then((body) => {
        bodies.push(body);
        response.end(finishChunk());
      });
    });
    const [question, call, result] = calculation();
    if (!question || !call || !result) throw new Error("expected three messages");
    await ask(opened.llm, [result, question, call, ...hello]);
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
      model: "test",
      messages: [
        { role: "system" },
        { role: "user" },
        { role: "assistant", tool_calls: [{ id: "call_0123456789" }] },
        {
          role: "tool",
          tool_call_id: "call_0123456789",
          content: '{"ok":true,"output":{"result":"4"}}',
        },
        { role: "user", content: "hello" },
      ],
    });
  });

  test("stream() sends no authorisation without a key", async ({ expect }) => {
    const headers: (string | undefined)[] = [];
    await using opened = await openServed(
      (incoming, response) => {
        headers.push(incoming.headers.authorization);
        response.end(finishChunk());
      },
      { apiKey: undefined },
    );
    await ask(opened.llm, hello);
    expect(headers).toEqual([undefined]);
  });
});

async function openMocked(
  script: (mock: LLMock) => void,
  more: Partial<OpenAiOptions> = {},
): Promise<OpenedLlm> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1" });
  script(mock);
  await mock.start();
  return {
    llm: createOpenAiLlm({ ...options(`${mock.url}/v1`), maxRetries: 0, ...more }),
    [Symbol.asyncDispose]: () => mock.stop(),
  };
}

/** A server that speaks the wire format as badly as `listener` wants. */
async function openServed(
  listener: RequestListener,
  more: Partial<OpenAiOptions> = {},
): Promise<OpenedLlm> {
  const server = createServer((incoming, response) => {
    response.setHeader("content-type", "text/event-stream");
    response.flushHeaders();
    listener(incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    llm: createOpenAiLlm({ ...options(`http://127.0.0.1:${port}/v1`), maxRetries: 0, ...more }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function options(baseUrl: string): OpenAiOptions {
  return { model: "test", apiKey: KEY, baseUrl };
}

function chunk(delta: object, finishReason: string | null = null): string {
  const body = { choices: [{ index: 0, delta, finish_reason: finishReason }] };
  return `data: ${JSON.stringify(body)}\n\n`;
}

function textChunk(content: string): string {
  return chunk({ content });
}

function finishChunk(): string {
  return `${chunk({}, "stop")}data: [DONE]\n\n`;
}

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Fault) return error;
  throw new Error("Expected a Fault", { cause: error });
}
