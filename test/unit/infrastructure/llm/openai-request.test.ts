import { describe, test } from "vitest";
import { createAnthropicLlm } from "#infrastructure/llm/anthropic.ts";
import { createOpenAiLlm } from "#infrastructure/llm/openai.ts";
import { toChatRequest } from "#infrastructure/llm/openai-chat-request.ts";
import { toResponsesRequest } from "#infrastructure/llm/openai-responses-request.ts";
import { message, request } from "../../../contract/llm.ts";

const asked = {
  ...request([message("user", { kind: "text", text: "hello" })]),
  maxOutputTokens: 500,
  reasoning: "none",
  cacheKey: "session-1",
} as const;

describe("what OpenAI's own service is asked", () => {
  const own = { provider: "openai", isOpenAi: true };

  test("toChatRequest() names the cache and limits tokens as it knows them", ({ expect }) => {
    expect(toChatRequest(asked, { ...own, model: "gpt-5.5" })).toMatchObject({
      max_completion_tokens: 500,
      prompt_cache_key: "session-1",
      reasoning_effort: "none",
      stream_options: { include_usage: true, include_obfuscation: false },
    });
  });

  test("toResponsesRequest() has nothing kept, and thoughts given back encrypted", ({ expect }) => {
    expect(toResponsesRequest(asked, { ...own, model: "gpt-5.5" })).toMatchObject({
      store: false,
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: "session-1",
      max_output_tokens: 500,
      reasoning: { effort: "none" },
    });
  });

  test("toResponsesRequest() asks a model for no thoughts that has none", ({ expect }) => {
    const body = toResponsesRequest(asked, { ...own, model: "gpt-4.1" });
    expect(Object.keys(body)).not.toContain("include");
    expect(Object.keys(body)).not.toContain("reasoning");
  });
});

describe("what a service that resembles OpenAI's is asked", () => {
  test("toChatRequest() has no field that only OpenAI knows", ({ expect }) => {
    const other = { provider: "custom:groq", isOpenAi: false, model: "llama-3" };
    expect(Object.keys(toChatRequest(asked, other)).sort()).toEqual([
      "max_tokens",
      "messages",
      "model",
      "stream",
      "stream_options",
      "tools",
    ]);
  });
});

describe("keys", () => {
  test.for([
    [
      () => createOpenAiLlm({ model: "gpt-5", apiKey: undefined, baseUrl: undefined }),
      "OPENAI_API_KEY",
      "openai/gpt-5",
    ],
    [
      () => createAnthropicLlm({ model: "claude-x", apiKey: undefined, baseUrl: undefined }),
      "ANTHROPIC_API_KEY",
      "anthropic/claude-x",
    ],
  ] as const)(
    "a missing key is one sentence that names the variable",
    ([create, variable, name], { expect }) => {
      expect(create).toThrow(
        expect.objectContaining({
          code: "CONFIG_INVALID",
          message: expect.stringMatching(
            `^Cannot use model "${name}" at api\\.[a-z.]+ without a key: set ${variable} or ${variable}_FILE$`,
          ) as string,
        }) as Error,
      );
    },
  );

  test("a key that no header can carry is named and not shown", ({ expect }) => {
    const create = () => createOpenAiLlm({ model: "x", apiKey: "sk-ключ", baseUrl: undefined });
    expect(create).toThrow(
      "Cannot use OPENAI_API_KEY: expected visible ASCII characters without spaces",
    );
  });

  test("an address that is none is not shown: it may hold a password", ({ expect }) => {
    const create = () =>
      createOpenAiLlm({ model: "x", apiKey: "k", baseUrl: "ftp://me:secret@host" });
    expect(create).toThrow(
      'Cannot use model "openai/x": expected an http or https address of its service',
    );
  });
});
