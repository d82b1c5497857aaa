import type { Llm } from "#application/ports/llm.ts";
import { createAnthropicLlm } from "#infrastructure/llm/anthropic.ts";
import type { ModelOptions } from "#infrastructure/llm/model-options.ts";
import { createOllamaLlm } from "#infrastructure/llm/ollama.ts";
import { createOpenAiLlm } from "#infrastructure/llm/openai.ts";

/** An API that a model may be behind, and what its service would say in it. */
export interface ModelApi {
  readonly name: string;
  /** The file in test/fixtures/model-streams/ that holds one answer, as a service would send it. */
  readonly recording: string;
  /** Without the key, its variable and the model. */
  readonly create: (options: Omit<ModelOptions, "model">) => Llm;
  /** Where its requests go below the address of a server. */
  readonly base: string;
  readonly contentType: string;
  /** The beginning of an answer, before it says anything. */
  readonly head: string;
  readonly text: (text: string) => string;
  /** A whole tool call, in as many pieces as there are `pieces` of its arguments. */
  readonly toolCall: (name: string, ...pieces: readonly string[]) => string;
  /** The end of an answer. */
  readonly end: (reason: "stop" | "tool-calls") => string;
  /** What keeps the line open and says nothing. */
  readonly keepAlive: string;
  readonly error: (status: number, message: string) => string;
  /** Where calls have arguments that may be no JSON. */
  readonly hasRawArguments: boolean;
}

const sse = (data: unknown, event?: string) =>
  `${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

function chunk(delta: object, finish: string | null = null): string {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0, model: "test" };
  return sse({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] });
}

const chat: Omit<ModelApi, "name" | "create"> = {
  recording: "openai-chat.sse",
  base: "/v1",
  contentType: "text/event-stream; charset=utf-8",
  head: chunk({ role: "assistant", content: "" }),
  text: (content) => chunk({ content }),
  toolCall: (name, first = "", ...rest) =>
    [
      chunk({ tool_calls: [{ index: 0, id: "call_1", function: { name, arguments: first } }] }),
      ...rest.map((more) => chunk({ tool_calls: [{ index: 0, function: { arguments: more } }] })),
    ].join(""),
  end: (reason) => `${chunk({}, reason === "stop" ? "stop" : "tool_calls")}data: [DONE]\n\n`,
  keepAlive: ": keep-alive\n\n",
  error: (status, message) => JSON.stringify({ error: { message, type: "x", code: status } }),
  hasRawArguments: true,
};

const event = (type: string, more: object = {}) => sse({ type, ...more }, type);

const responses: Omit<ModelApi, "name" | "create"> = {
  ...chat,
  recording: "openai-responses.sse",
  head: event("response.created", { response: { id: "resp_1", status: "in_progress" } }),
  text: (delta) => event("response.output_text.delta", { output_index: 0, delta }),
  toolCall: (name, ...pieces) => {
    const item = { type: "function_call", id: "fc_1", call_id: "call_1", name };
    const whole = { ...item, arguments: pieces.join("") };
    return [
      event("response.output_item.added", { output_index: 1, item: { ...item, arguments: "" } }),
      ...pieces.map((delta) =>
        event("response.function_call_arguments.delta", { output_index: 1, delta }),
      ),
      event("response.output_item.done", { output_index: 1, item: whole }),
    ].join("");
  },
  end: () =>
    event("response.completed", {
      response: { status: "completed", usage: { input_tokens: 3, output_tokens: 4 } },
    }),
};

const anthropic: Omit<ModelApi, "name" | "create"> = {
  recording: "anthropic.sse",
  base: "",
  contentType: "text/event-stream; charset=utf-8",
  head: event("message_start", {
    message: { type: "message", usage: { input_tokens: 3, output_tokens: 1 } },
  }),
  text: (text) =>
    event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
    event("content_block_delta", { index: 0, delta: { type: "text_delta", text } }) +
    event("content_block_stop", { index: 0 }),
  toolCall: (name, ...pieces) =>
    [
      event("content_block_start", {
        index: 1,
        content_block: { type: "tool_use", id: "toolu_1", name, input: {} },
      }),
      ...pieces.map((piece) =>
        event("content_block_delta", {
          index: 1,
          delta: { type: "input_json_delta", partial_json: piece },
        }),
      ),
      event("content_block_stop", { index: 1 }),
    ].join(""),
  end: (reason) =>
    event("message_delta", {
      delta: { stop_reason: reason === "stop" ? "end_turn" : "tool_use" },
      usage: { output_tokens: 4 },
    }) + event("message_stop"),
  keepAlive: event("ping"),
  error: (status, message) =>
    JSON.stringify({ type: "error", error: { type: `x_${status}`, message } }),
  hasRawArguments: true,
};

const line = (fields: object) => `${JSON.stringify({ model: "test", done: false, ...fields })}\n`;

const ollama: Omit<ModelApi, "name" | "create"> = {
  recording: "ollama.ndjson",
  base: "",
  contentType: "application/x-ndjson",
  head: "",
  text: (content) => line({ message: { role: "assistant", content } }),
  toolCall: (name, ...pieces) => {
    const call = { name, arguments: JSON.parse(pieces.join("")) as unknown };
    return line({ message: { role: "assistant", content: "", tool_calls: [{ function: call }] } });
  },
  end: () => line({ done: true, done_reason: "stop", prompt_eval_count: 3, eval_count: 4 }),
  keepAlive: "\n",
  error: (_, error) => JSON.stringify({ error: error }),
  hasRawArguments: false,
};

/** One for each adapter and API. */
export const MODEL_APIS: readonly ModelApi[] = [
  {
    name: "openai by Responses",
    ...responses,
    create: (options) => createOpenAiLlm({ ...options, model: "test", api: "responses" }),
  },
  {
    name: "openai by Chat Completions",
    ...chat,
    create: (options) => createOpenAiLlm({ ...options, model: "test", api: "chat" }),
  },
  {
    name: "custom",
    ...chat,
    create: (options) =>
      createOpenAiLlm({
        ...options,
        model: "test/large",
        provider: "custom:own",
        keyVariable: "NEXFLOW_CUSTOM_OWN_API_KEY",
      }),
  },
  {
    name: "anthropic",
    ...anthropic,
    create: (options) => createAnthropicLlm({ ...options, model: "test" }),
  },
  {
    name: "ollama",
    ...ollama,
    create: (options) => createOllamaLlm({ ...options, model: "test" }),
  },
];
