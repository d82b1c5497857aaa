import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { describe } from "vitest";
import { parseApprovalId, parseMessageId, parseToolCallId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { call } from "../../../support/call-api.ts";
import { NOT_ALLOWED, OTHER_TOKEN, TOKEN } from "../../../support/fakes/gateway-use-cases.ts";
import {
  openTestGateway,
  type TestGateway,
  gatewayTest as test,
} from "../../../support/gateway-client.ts";
import { aiOf, answerWith, COMPLETED, openAiOf, say } from "../../../support/openai-agent.ts";

const user = (content: string) => ({ role: "user" as const, content });
const assistant = (content: string) => ({ role: "assistant" as const, content });
const system = (content: string) => ({ role: "system" as const, content });
const ask = (...messages: OpenAI.ChatCompletionMessageParam[]) => ({ model: "nexflow", messages });
const PAUSED: TurnEvent = {
  kind: "turn-paused",
  approvals: [
    {
      approvalId: parseApprovalId("approval-1"),
      toolCallId: parseToolCallId("call-1"),
      tool: "mail.send",
      input: { to: "bob" },
      inputHash: "0",
      effects: ["external"],
      reaches: [],
      rule: "default",
      reason: "mail.send wants to send",
      expiresAtMs: 9_000,
    },
  ],
};
const RESUMED: TurnEvent = { kind: "turn-resumed", decisions: [] };

async function textOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = "";
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
  return text;
}

describe("a chat completion", () => {
  test("is the answer of a turn in a session of its own", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Four", "."), COMPLETED);
    const client = openAiOf(server);
    const completion = await client.chat.completions.create(ask(user("2 + 2?")));
    expect(completion).toMatchObject({
      object: "chat.completion",
      model: "nexflow",
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      choices: [
        { message: { role: "assistant", content: "Four." }, finish_reason: "stop", index: 0 },
      ],
    });
    expect(completion.id).toMatch(/^chatcmpl-t/u);
    expect(server.useCases.acceptedInputs).toMatchObject([{ userId: "u1", text: "2 + 2?" }]);
    expect(server.useCases.imported).toEqual([]);
  });

  test("streams what the turn says as it says it", async ({ expect, server }) => {
    const client = openAiOf(server);
    let go: (() => void) | undefined;
    server.useCases.onAccepted = ({ sessionId, turnId }) => {
      const [started, first, second, ended] = say("m", "One ", "two");
      const emit = (...events: (TurnEvent | undefined)[]) =>
        server.useCases.emitAll(
          sessionId,
          turnId,
          events.filter((event) => event !== undefined),
        );
      emit(started, first);
      go = () => emit(second, ended, COMPLETED);
    };
    const stream = await client.chat.completions.create({ ...ask(user("count")), stream: true });
    const seen: (string | null | undefined)[] = [];
    for await (const { choices } of stream) {
      seen.push(choices[0]?.delta.content ?? choices[0]?.finish_reason);
      if (seen.at(-1) === "One ") go?.();
    }
    expect(seen).toEqual(["", "One ", "two", "stop"]);
  });

  test("tells at the end of a stream what it took, if that is asked for", async ({
    expect,
    server,
  }) => {
    answerWith(server, ...say("m", "Four."), COMPLETED);
    const stream = await openAiOf(server).chat.completions.create({
      ...ask(user("2 + 2?")),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 7, total_tokens: 10, prompt_tokens_details: { cached_tokens: 2 } },
    });
  });

  test("has the texts of several messages apart", async ({ expect, server }) => {
    answerWith(server, ...say("m1", "Looking."), ...say("m2", "Found", " it."), COMPLETED);
    const client = openAiOf(server);
    const stream = await client.chat.completions.create({ ...ask(user("find")), stream: true });
    expect(await textOf(stream)).toBe("Looking.\n\nFound it.");
    const whole = await client.chat.completions.create(ask(user("find")));
    expect(whole.choices[0]?.message.content).toBe("Looking.\n\nFound it.");
  });

  test("never has a text twice where the model broke off", async ({ expect, server }) => {
    const failed: TurnEvent = {
      kind: "model-failed",
      model: "a/b",
      failure: { code: "LLM_BAD_ANSWER", message: "cut" },
      messageId: parseMessageId("m1"),
      next: { model: "a/b", waitMs: 0 },
    };
    answerWith(server, ...say("m1", "Half an"), failed, ...say("m2", "An answer"), COMPLETED);
    const client = openAiOf(server);
    const whole = await client.chat.completions.create(ask(user("say")));
    expect(whole.choices[0]?.message.content).toBe("An answer");
    const stream = await client.chat.completions.create({ ...ask(user("say")), stream: true });
    expect(await textOf(stream)).toBe(
      "Half an\n\n[The model broke off here. Its answer begins anew.]\n\nAn answer",
    );
  });

  test("says what waits for an approval, and goes on in the stream", async ({ expect, server }) => {
    const client = openAiOf(server);
    answerWith(server, PAUSED, RESUMED, ...say("m", "Sent."), COMPLETED);
    const stream = await client.chat.completions.create({ ...ask(user("mail")), stream: true });
    const text = await textOf(stream);
    expect(text).toMatch(/needs an approval.*mail\.send wants to send \(approval-1\)/su);
    expect(text).toMatch(/\n\nSent\.$/u);
    const decided = await client.chat.completions.create(ask(user("mail")));
    expect(decided.choices[0]?.message.content).toBe("Sent.");
    answerWith(server, PAUSED);
    const whole = await client.chat.completions.create(ask(user("mail")));
    expect(whole.choices[0]?.message.content).toMatch(/^\[This needs an approval[^]*\]$/u);
    expect(server.useCases.calls).not.toContain("cancelTurn");
  });

  test("tells a failed turn as an error", async ({ expect, server }) => {
    const failure = { code: "LLM_RATE_LIMITED", message: "The model is busy" };
    answerWith(server, ...say("m", "Well"), { kind: "turn-failed", failure });
    const client = openAiOf(server);
    const error = await client.chat.completions.create(ask(user("hi"))).catch((each) => each);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ status: 429, code: failure.code, type: "rate_limit_error" });
    expect(error.headers.get("x-should-retry")).toBe("false");
    const stream = await client.chat.completions.create({ ...ask(user("hi")), stream: true });
    await expect(textOf(stream)).rejects.toMatchObject({ code: failure.code });
  });

  test("tells a cancelled turn as an error", async ({ expect, server }) => {
    answerWith(server, { kind: "turn-cancelled" });
    const client = openAiOf(server);
    const asked = client.chat.completions.create(ask(user("hi")));
    await expect(asked).rejects.toMatchObject({ status: 409, code: "cancelled" });
  });

  test("serves the ai package, streamed and whole", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Four", "."), COMPLETED);
    const model = aiOf(server).chat("nexflow");
    expect((await generateText({ model, prompt: "2 + 2?" })).text).toBe("Four.");
    const streamed = streamText({ model, prompt: "2 + 2?" });
    expect(await streamed.text).toBe("Four.");
    expect(await streamed.finishReason).toBe("stop");
  });
});

describe("a conversation that the client keeps", () => {
  test("goes on in its session", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Hello Ada."), COMPLETED);
    const client = openAiOf(server);
    await client.chat.completions.create(ask(user("I am Ada")));
    const second = [user("I am Ada"), assistant("Hello Ada."), user("Who am I?")];
    await client.chat.completions.create(ask(...second));
    const third = [...second, assistant("Hello Ada."), user("Sure?")];
    const stream = await client.chat.completions.create({ ...ask(...third), stream: true });
    await textOf(stream);
    expect(server.useCases.imported).toEqual([]);
    const turns = server.useCases.acceptedInputs;
    expect(turns.map(({ text }) => text)).toEqual(["I am Ada", "Who am I?", "Sure?"]);
    const { sessionId } = turns[1] ?? {};
    expect(sessionId).toBeDefined();
    expect(turns[2]?.sessionId).toBe(sessionId);
    expect(turns[2]?.parentTurnId).not.toBe(turns[1]?.parentTurnId);
  });

  test("goes on from where the client is, not from the session's end", async ({
    expect,
    server,
  }) => {
    answerWith(server, ...say("m", "Hello."), COMPLETED);
    const client = openAiOf(server);
    await client.chat.completions.create(ask(user("hi")));
    const again = [user("hi"), assistant("Hello.")];
    await client.chat.completions.create(ask(...again, user("one")));
    await client.chat.completions.create(ask(...again, user("another")));
    const [, one, another] = server.useCases.acceptedInputs;
    expect(another).toMatchObject({ ...one, text: "another", clientMessageId: expect.any(String) });
  });

  test("that is not known becomes a session with all of it", async ({ expect, server }) => {
    answerWith(server, ...say("m", "Yes."), COMPLETED);
    const client = openAiOf(server);
    await client.chat.completions.create(
      ask(system("Be brief."), user("One"), assistant("Uno"), user("Sure?")),
    );
    const [turn] = server.useCases.imported;
    expect(turn?.title).toBe("One");
    const brought = "a conversation that a client brought";
    expect(turn?.taint).toEqual({ untrusted: brought, private: brought });
    expect(turn?.messages.map(({ role, parts }) => [role, parts])).toEqual([
      ["user", [{ kind: "text", text: "Be brief." }]],
      ["user", [{ kind: "text", text: "One" }]],
      ["assistant", [{ kind: "text", text: "Uno" }]],
    ]);
    expect(server.useCases.acceptedInputs).toMatchObject([{ text: "Sure?" }]);
    expect(server.useCases.acceptedInputs[0]?.sessionId).toBe(turn?.sessionId);
  });

  test("has read nothing where there is only one message of the user's own", async ({
    expect,
    server,
  }) => {
    answerWith(server, ...say("m", "Sure."), COMPLETED);
    const client = openAiOf(server);
    await client.chat.completions.create(ask(system("Be brief."), user("Sure?")));
    expect(server.useCases.imported).toHaveLength(1);
    expect(server.useCases.imported[0]).not.toHaveProperty("taint");
  });

  test("is another one under other instructions, and of another user", async ({
    expect,
    server,
  }) => {
    answerWith(server, ...say("m", "Hello."), COMPLETED);
    const messages = [user("hi"), assistant("Hello."), user("more")];
    await openAiOf(server).chat.completions.create(ask(user("hi")));
    await openAiOf(server).chat.completions.create(ask(system("Rhyme."), ...messages));
    await openAiOf(server, OTHER_TOKEN).chat.completions.create(ask(...messages));
    expect(server.useCases.imported.map(({ userId }) => userId)).toEqual(["u1", "u2"]);
  });

  test("takes pictures along", async ({ expect, server }) => {
    answerWith(server, ...say("m", "A dot."), COMPLETED);
    const url = `data:image/png;base64,${PNG}`;
    const content = [
      { type: "text" as const, text: "What is this?" },
      { type: "image_url" as const, image_url: { url } },
    ];
    await openAiOf(server).chat.completions.create(ask({ role: "user", content }));
    expect(server.useCases.acceptedInputs).toMatchObject([
      { text: "What is this?", images: [{ kind: "image", mediaType: "image/png", data: PNG }] },
    ]);
  });
});

describe("a message of the REST API", () => {
  const send = (server: TestGateway, images: unknown) =>
    call(server, "/api/v1/messages", {
      method: "POST",
      headers: { "idempotency-key": "picture" },
      body: { text: "What is this?", images },
    });

  test("takes pictures along", async ({ expect, server }) => {
    expect((await send(server, [PNG])).status).toBe(202);
    expect(server.useCases.acceptedInputs).toMatchObject([
      { images: [{ kind: "image", mediaType: "image/png", data: PNG }] },
    ]);
  });

  test.for<[string, unknown]>([
    ["too many", Array.from({ length: 9 }, () => PNG)],
    ["none", ["aGVsbG8gd29ybGQ="]],
    ["too large", ["A".repeat(6_990_512)]],
  ])("refuses %s", async ([, images], { expect, server }) => {
    const { status, json } = await send(server, images);
    expect([status, json.code]).toEqual([400, "bad-frame"]);
    expect(server.useCases.calls).not.toContain("acceptMessage");
  });
});

/** One dot. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const image = (url: string) => ({
  role: "user" as const,
  content: [
    { type: "text" as const, text: "?" },
    { type: "image_url" as const, image_url: { url } },
  ],
});

describe("a request that cannot be answered as it stands", () => {
  const TOOL = { type: "function" as const, function: { name: "f", parameters: {} } };
  test.for<[string, object, object]>([
    ["no such model", { model: "gpt-9" }, { status: 404, code: "model_not_found" }],
    ["tools", { tools: [TOOL] }, { status: 400, code: "unsupported-parameter", param: "tools" }],
    ["two answers", { n: 2 }, { status: 400, code: "unsupported-parameter", param: "n" }],
    ["words to stop at", { stop: ["END"] }, { status: 400, param: "stop" }],
    [
      "JSON as a schema",
      { response_format: { type: "json_object" } },
      { status: 400, param: "response_format" },
    ],
    ["no messages", { messages: [] }, { status: 400, code: "bad-frame" }],
    ["an answer at the end", { messages: [user("a"), assistant("b")] }, { param: "messages" }],
    [
      "a tool's message",
      { messages: [{ role: "tool", content: "x", tool_call_id: "1" }, user("a")] },
      { status: 400, param: "messages[0].role" },
    ],
    [
      "a text too long",
      { messages: [user("x".repeat(32_769))] },
      { status: 400, code: "string_above_max_length" },
    ],
    [
      "a conversation too long",
      {
        messages: [...Array.from({ length: 70 }, () => assistant("y".repeat(30_000))), user("x")],
      },
      { status: 400, code: "context_length_exceeded" },
    ],
    ["a picture elsewhere", { messages: [image("https://example.com/a.png")] }, { status: 400 }],
    [
      "a picture that is none",
      { messages: [image("data:image/png;base64,aGVsbG8gd29ybGQ=")] },
      { status: 400, code: "invalid-image" },
    ],
    [
      "no base64",
      { messages: [image("data:image/png;base64,a*b")] },
      { status: 400, code: "invalid-image" },
    ],
    [
      "a picture too large",
      { messages: [image(`data:image/png;base64,${"A".repeat(6_990_512)}`)] },
      { status: 400, code: "invalid-image" },
    ],
    [
      "too many pictures",
      { messages: Array.from({ length: 9 }, () => image(`data:image/png;base64,${PNG}`)) },
      { status: 400, code: "too-many-images" },
    ],
  ])("is refused: %s", async ([, fields, error], { expect, server }) => {
    const body = { ...ask(user("hi")), ...fields } as OpenAI.ChatCompletionCreateParamsNonStreaming;
    const asked = openAiOf(server).chat.completions.create(body);
    await expect(asked).rejects.toMatchObject(error);
    expect(server.useCases.calls).not.toContain("acceptMessage");
  });

  test("is answered where what it asks for beside may be left alone", async ({
    expect,
    server,
  }) => {
    answerWith(server, ...say("m", "ok"), COMPLETED);
    const completion = await openAiOf(server).chat.completions.create({
      ...ask(user("hi")),
      temperature: 0.2,
      top_p: 1,
      max_completion_tokens: 50,
      safety_identifier: "somebody",
      n: 1,
      tools: [],
      response_format: { type: "text" },
    });
    expect(completion.choices[0]?.message.content).toBe("ok");
  });

  test("is told in OpenAI's form whatever is wrong", async ({ expect, server }) => {
    const asked = openAiOf(server, "wrong").chat.completions.create(ask(user("hi")));
    await expect(asked).rejects.toMatchObject({ status: 401, code: "unauthorized" });
    const path = "/v1/chat/completions";
    const bad = await call(server, path, { method: "POST", body: "{" });
    expect(bad.json.error).toMatchObject({ code: "bad-frame", type: "invalid_request_error" });
    const long = await call(server, path, { method: "POST", body: "x".repeat(8_388_609) });
    expect([long.status, long.json.error.code]).toEqual([413, "too-large"]);
    const deep = `{"model":${"[".repeat(40)}`;
    const nested = await call(server, path, { method: "POST", body: deep });
    expect(nested.json.error.message).toContain("nested too deeply");
    const many = `{"model":"a","messages":[${"0,".repeat(100_001)}0]}`;
    const values = await call(server, path, { method: "POST", body: many });
    expect(values.json.error.message).toContain("too many values");
    const method = await call(server, path);
    expect([method.status, method.response.headers.get("allow")]).toEqual([405, "POST"]);
    expect(method.json.error.code).toBe("method-not-allowed");
    const nowhere = await call(server, "/v1/nowhere");
    expect(nowhere.json.error).toMatchObject({ code: "not-found", param: null });
    server.useCases.breakStore();
    const broken = await call(server, path, {
      method: "POST",
      body: ask(user("hi")),
    });
    expect([broken.status, broken.json.error.code]).toEqual([503, "storage_unavailable"]);
    expect(broken.text).not.toContain("secret");
  });

  test("counts as a message where those are limited", async ({ expect }) => {
    const rateLimits = { requests: 0, messages: 1, signIns: 0, signInsInAll: 0 };
    await using server = await openTestGateway({ rateLimits });
    answerWith(server, ...say("m", "ok"), COMPLETED);
    const client = openAiOf(server);
    await client.chat.completions.create(ask(user("hi")));
    const asked = client.chat.completions.create(ask(user("hi")));
    await expect(asked).rejects.toMatchObject({ status: 429, code: "rate-limited" });
  });

  test("is told to come back where there is no room", async ({ expect, server }) => {
    server.useCases.overload();
    const asked = openAiOf(server).chat.completions.create(ask(user("hi")));
    const error = await asked.catch((each) => each);
    expect(error).toMatchObject({ status: 503, code: "overloaded" });
    expect(error.headers.get("retry-after")).toBe("2");
  });
});

describe("a client that goes away", () => {
  test("from a stream cancels the turn", async ({ expect, server }) => {
    answerWith(server, ...say("m", "One"));
    const client = openAiOf(server);
    const stream = await client.chat.completions.create({ ...ask(user("hi")), stream: true });
    for await (const { choices } of stream) if (choices[0]?.delta.content === "One") break;
    await expect.poll(() => server.useCases.calls).toContain("cancelTurn");
    expect(server.useCases.followers()).toBe(0);
  });

  test("before the whole answer cancels the turn", async ({ expect, server }) => {
    const controller = new AbortController();
    server.useCases.onAccepted = () => controller.abort();
    const { signal } = controller;
    const asked = openAiOf(server).chat.completions.create(ask(user("hi")), { signal });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => server.useCases.calls).toContain("cancelTurn");
    await expect.poll(() => server.useCases.followers()).toBe(0);
  });

  test("and has named its request gets the same answer when it asks again", async ({
    expect,
    server,
  }) => {
    const controller = new AbortController();
    server.useCases.onAccepted = ({ sessionId, turnId }) => {
      controller.abort();
      server.useCases.emitAll(sessionId, turnId, [...say("m", "Once."), COMPLETED]);
    };
    const client = openAiOf(server);
    const messages = [system("Be brief."), user("hi")];
    const headers = { "idempotency-key": "mine" };
    const { signal } = controller;
    const asked = client.chat.completions.create(ask(...messages), { headers, signal });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    const again = await client.chat.completions.create(ask(...messages), { headers });
    expect(again.choices[0]?.message.content).toBe("Once.");
    const stream = await client.chat.completions.create(
      { ...ask(...messages), stream: true },
      { headers },
    );
    expect(await textOf(stream)).toBe("Once.");
    expect(server.useCases.calls).not.toContain("cancelTurn");
    expect(server.useCases.imported).toHaveLength(1);
    const other = client.chat.completions.create(ask(user("other")), { headers });
    await expect(other).rejects.toMatchObject({ status: 422, code: "idempotency-key-reused" });
  });

  test("whose credential ends is told so in the stream", async ({ expect, server }) => {
    answerWith(server, ...say("m", "One"));
    const made = await call(server, "/api/v1/users/u1/tokens", {
      method: "POST",
      body: { label: "phone", scopes: ["sessions:write"] },
    });
    const client = openAiOf(server, made.json.secret);
    const stream = await client.chat.completions.create({ ...ask(user("hi")), stream: true });
    const path = `/api/v1/users/u1/tokens/${made.json.id}`;
    const read = textOf(stream);
    read.catch(() => undefined);
    expect((await call(server, path, { method: "DELETE", token: TOKEN })).status).toBe(204);
    await expect(read).rejects.toMatchObject({ code: "unauthorized" });
  });
});

describe("models", () => {
  test("are listed and found", async ({ expect, server }) => {
    const client = openAiOf(server);
    const { data } = await client.models.list();
    expect(data.map(({ id, object }) => [id, object])).toEqual([
      ["nexflow", "model"],
      ["offline/rules", "model"],
    ]);
    expect((await client.models.retrieve("offline/rules")).id).toBe("offline/rules");
    expect((await call(server, "/v1/models/offline/rules")).json.id).toBe("offline/rules");
    for (const name of ["gpt-9", NOT_ALLOWED]) {
      await expect(client.models.retrieve(name)).rejects.toMatchObject({
        status: 404,
        code: "not-found",
      });
      await expect(
        client.chat.completions.create({ ...ask(user("hi")), model: name }),
      ).rejects.toMatchObject({ status: 404, code: "model_not_found" });
    }
  });
});
