import { generateText, streamText } from "ai";
import type OpenAI from "openai";
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import { describe } from "vitest";
import { parseMessageId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { OTHER_TOKEN } from "../../../support/fakes/gateway-use-cases.ts";
import { gatewayTest as test } from "../../../support/gateway-client.ts";
import { aiOf, answerWith, COMPLETED, openAiOf, say } from "../../../support/openai-agent.ts";

const ask = (input: OpenAI.Responses.ResponseInput | string) => ({ model: "nexflow", input });

function think(id: string, ...words: readonly string[]): readonly TurnEvent[] {
  const messageId = parseMessageId(id);
  return [
    { kind: "reasoning-started", messageId },
    ...words.map((delta): TurnEvent => ({ kind: "reasoning-delta", messageId, delta })),
    { kind: "reasoning-ended", messageId },
  ];
}

async function eventsOf(stream: AsyncIterable<ResponseStreamEvent>) {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe("a response", () => {
  test("is the answer of a turn", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Four", "."), COMPLETED);
    const response = await openAiOf(server).responses.create(ask("2 + 2?"));
    expect(response).toMatchObject({
      object: "response",
      status: "completed",
      output_text: "Four.",
      error: null,
      usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 },
      output: [{ type: "message", role: "assistant", status: "completed" }],
    });
    expect(response.id).toMatch(/^resp_t/u);
  });

  test("streams thoughts, texts and its end in order", async ({ expect, server }) => {
    answerWith(server, ...think("m", "Let ", "me see"), ...say("m", "Four", "."), COMPLETED);
    const stream = await openAiOf(server).responses.create({ ...ask("2 + 2?"), stream: true });
    const events = await eventsOf(stream);
    expect(events.map(({ type }) => type.replace("response.", ""))).toMatchInlineSnapshot(`
      [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
      ]
    `);
    expect(events.map(({ sequence_number: number }) => number)).toEqual([...events.keys()]);
    const last = events.at(-1);
    expect(last).toMatchObject({
      response: {
        status: "completed",
        output_text: "Four.",
        output: [
          { type: "reasoning", summary: [{ text: "Let me see" }] },
          { type: "message", content: [{ text: "Four." }] },
        ],
      },
    });
  });

  test("has one item for each message, and none of what broke off", async ({ expect, server }) => {
    const failed: TurnEvent = {
      kind: "model-failed",
      model: "a/b",
      failure: { code: "LLM_BAD_ANSWER", message: "cut" },
      messageId: parseMessageId("m1"),
      next: { model: "a/b", waitMs: 0 },
    };
    const events = [...say("m1", "Half"), failed, ...say("m2", "One"), ...say("m3", "Two")];
    answerWith(server, ...events, COMPLETED);
    const client = openAiOf(server);
    const whole = await client.responses.create(ask("say"));
    expect(whole.output_text).toBe("OneTwo");
    expect(whole.output).toHaveLength(2);
  });

  test("tells failure and cancelling", async ({ expect, server }) => {
    const failure = { code: "LLM_TIMEOUT", message: "The model is slow" };
    answerWith(server, ...say("m", "Well"), { kind: "turn-failed", failure });
    const client = openAiOf(server);
    const asked = client.responses.create(ask("hi"));
    await expect(asked).rejects.toMatchObject({ status: 504, code: "LLM_TIMEOUT" });
    const failed = await eventsOf(await client.responses.create({ ...ask("hi"), stream: true }));
    expect(failed.at(-1)).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { message: "The model is slow (LLM_TIMEOUT)" } },
    });
    answerWith(server, { kind: "turn-cancelled" });
    const cancelled = await client.responses.create(ask("hi"));
    expect(cancelled.status).toBe("cancelled");
  });

  test("is found again, by its own user", async ({ expect, server }) => {
    const client = openAiOf(server);
    answerWith(server, COMPLETED);
    const { id } = await client.responses.create(ask("hi"));
    expect(await client.responses.retrieve(id)).toMatchObject({ id, status: "completed" });
    const foreign = openAiOf(server, OTHER_TOKEN).responses.retrieve(id);
    await expect(foreign).rejects.toMatchObject({ status: 404, code: "not-found" });
    await expect(client.responses.retrieve("resp_none")).rejects.toMatchObject({ status: 404 });
    await expect(client.responses.retrieve("none")).rejects.toMatchObject({ status: 404 });
  });

  test("runs in the background until it is cancelled", async ({ expect, server }) => {
    const client = openAiOf(server);
    const { id, status } = await client.responses.create({ ...ask("hi"), background: true });
    expect(status).toBe("in_progress");
    expect((await client.responses.retrieve(id)).status).toBe("in_progress");
    expect((await client.responses.cancel(id)).status).toBe("cancelled");
  });

  test("is deleted with its session, but not out of a longer one", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Hello."), COMPLETED);
    const client = openAiOf(server);
    const first = await client.responses.create(ask("hi"));
    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  });
});

describe("a conversation of responses", () => {
  test("goes on after the response that is named", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Hello."), COMPLETED);
    const client = openAiOf(server);
    const first = await client.responses.create(ask("hi"));
    const second = await client.responses.create({
      ...ask("more"),
      previous_response_id: first.id,
      instructions: "Rhyme.",
    });
    expect(second.previous_response_id).toBe(first.id);
    expect(server.useCases.acceptedInputs[1]).toMatchObject({
      text: "Rhyme.\n\nmore",
      parentTurnId: first.id.slice("resp_".length),
    });
  });

  test.for<[string, object, object]>([
    ["after none", { previous_response_id: "resp_none" }, { code: "previous_response_not_found" }],
    ["after no id", { previous_response_id: "x" }, { code: "previous_response_not_found" }],
    ["with tools", { tools: [{ type: "web_search" }] }, { param: "tools" }],
    ["in a conversation", { conversation: "conv_1" }, { param: "conversation" }],
    ["as a schema", { text: { format: { type: "json_object" } } }, { param: "text" }],
    ["by a function", { input: [{ type: "function_call_output" }] }, { param: "input[0]" }],
    ["by an item of nobody", { input: [{ type: "item_reference", id: "msg_t1.m" }] }, {}],
  ])("is refused %s", async ([, fields, error], { expect, server }) => {
    const body = { ...ask("hi"), ...fields } as OpenAI.Responses.ResponseCreateParamsNonStreaming;
    const asked = openAiOf(server).responses.create(body);
    await expect(asked).rejects.toMatchObject({ status: 400, ...error });
    expect(server.useCases.calls).not.toContain("acceptMessage");
  });

  test("that the ai package keeps goes on in its session", async ({ expect, server }) => {
    answerWith(server, ...think("m", "Hm"), ...say("m", "Hello", "."), COMPLETED);
    const model = aiOf(server).responses("nexflow");
    const first = [{ role: "user" as const, content: "hi" }];
    const { text, finalStep } = await generateText({ model, messages: first });
    expect(text).toBe("Hello.");
    const second = [
      ...first,
      ...finalStep.response.messages,
      { role: "user" as const, content: "more" },
    ];
    const streamed = streamText({ model, messages: second });
    expect(await streamed.text).toBe("Hello.");
    expect((await streamed.finalStep).reasoningText).toBe("Hm");
    expect(server.useCases.imported).toEqual([]);
    expect(server.useCases.acceptedInputs).toMatchObject([{ text: "hi" }, { text: "more" }]);
  });
});
