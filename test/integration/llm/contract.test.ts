import { LLMock } from "@copilotkit/aimock";
import { describe, test } from "vitest";
import {
  ask,
  calculation,
  collect,
  describeLlm,
  message,
  type OpenedLlm,
  request,
  textIn,
} from "../../contract/llm.ts";
import { MODEL_APIS, type ModelApi } from "../../support/model-apis.ts";

const KEY = "sk-canary-1234567890";
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const hello = [message("user", { kind: "text", text: "hello" })];

for (const api of MODEL_APIS) {
  describeLlm(api.name, () =>
    openMocked(api, (mock) => {
      mock.onMessage("hello", { content: "Hi! ".repeat(40) }, { latency: 2 });
      mock.on(
        { userMessage: "2+2", hasToolResult: false },
        { toolCalls: [{ name: "calculator__evaluate", arguments: '{"expression":"2+2"}' }] },
      );
      mock.on({ toolResultContains: '"result":"4"' }, { content: "That makes 4." });
    }),
  );
}

describe.for(MODEL_APIS)("$name against aimock", (api) => {
  test("stream() gives parallel tool calls in order, with the text before them", async ({
    expect,
  }) => {
    await using opened = await openMocked(api, (mock) => {
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
    expect(events.filter(({ kind }) => kind === "tool-call" || kind === "finished")).toMatchObject([
      { name: "calculator.evaluate", input: { value: { expression: "1+1" } } },
      { name: "calculator.evaluate", input: { value: { expression: "2+2" } } },
      { kind: "finished", reason: "tool-calls" },
    ]);
  });

  test("stream() takes pictures, limits and a conversation with results", async ({ expect }) => {
    await using opened = await openMocked(api, (mock) => {
      mock.onMessage("what is this", { content: "A pixel." });
    });
    const picture = message(
      "user",
      { kind: "image", mediaType: "image/png", data: PIXEL },
      { kind: "text", text: "what is this" },
    );
    const asked = {
      ...request([...calculation(), picture]),
      maxOutputTokens: 4_000,
      reasoning: "low",
      cacheKey: "session-1",
    } as const;
    expect(textIn(await collect(opened.llm, asked))).toBe("A pixel.");
  });
});

async function openMocked(api: ModelApi, script: (mock: LLMock) => void): Promise<OpenedLlm> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1" });
  script(mock);
  await mock.start();
  return {
    llm: api.create({ apiKey: KEY, baseUrl: `${mock.url}${api.base}` }),
    [Symbol.asyncDispose]: () => mock.stop(),
  };
}
