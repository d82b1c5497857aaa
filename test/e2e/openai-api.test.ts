import { generateText, streamText } from "ai";
import { expect, test } from "vitest";
import { aiOf, openAiOf } from "../support/openai-agent.ts";
import { ScriptedModel } from "../support/scripted-model.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

const ENV = { NEXFLOW_AGENT_THREADS: "1", NEXFLOW_SANDBOX_PROCESSES: "1" };
const user = (content: string) => ({ role: "user" as const, content });
const system = { role: "system" as const, content: "Be brief." };

type Chunks = AsyncIterable<unknown>;

interface Listed {
  readonly sessions: readonly { readonly id: string; readonly title: string }[];
}

test("OpenAI's clients talk to the agent, in one session across a restart", async () => {
  await using dir = await openTempDir();
  const { path: homeDir } = dir;
  const first = await startNexflow({ homeDir, env: ENV });
  const ask = async (server: typeof first, ...messages: ReturnType<typeof user>[]) => {
    const client = openAiOf(server, server.token);
    const all = [system, ...messages];
    const completion = await client.chat.completions.create({ model: "nexflow", messages: all });
    return { role: "assistant" as const, content: completion.choices[0]?.message.content ?? "" };
  };
  const question = user("/calculator 2+2");
  const answer = await ask(first, question);
  expect(answer.content).toContain("4");
  await first.stop();

  await using server = await startNexflow({ homeDir, env: ENV });
  const more = [question, answer as unknown as typeof question, user("/calculator 3+3")];
  expect((await ask(server, ...more)).content).toContain("6");
  const sessions = await list(server);
  expect(sessions).toHaveLength(1);
  expect(sessions[0]?.title).toBe("/calculator 2+2");
  const messages = await read(server, `/api/v1/sessions/${sessions[0]?.id}/messages`);
  expect(messages.messages.map(({ role, content }) => [role, content ?? ""])).toMatchObject([
    ["user", "Be brief."],
    ["user", "/calculator 2+2"],
    ["assistant", expect.anything()],
    ["tool", expect.stringContaining("4")],
    ["assistant", answer.content],
    ["user", "/calculator 3+3"],
    ["assistant", expect.anything()],
    ["tool", expect.stringContaining("6")],
    ["assistant", expect.stringContaining("6")],
  ]);
});

test("OpenAI's clients stream, go on from a response, and keep what others go on from", async () => {
  await using server = await startNexflow({ env: ENV });
  const client = openAiOf(server, server.token);
  const first = await client.responses.create({ model: "nexflow", input: "/calculator 4+4" });
  expect(first.output_text).toContain("8");
  expect(first.status).toBe("completed");
  const stream = client.responses.stream({
    model: "offline/rules",
    input: "/calculator 5+5",
    previous_response_id: first.id,
  });
  const second = await stream.finalResponse();
  expect(second.output_text).toContain("10");
  expect((await client.responses.retrieve(second.id)).output_text).toBe(second.output_text);
  expect(await list(server)).toHaveLength(1);
  const model = aiOf(server, server.token)("nexflow");
  expect((await generateText({ model, prompt: "/calculator 6+6" })).text).toContain("12");
  const streamed = streamText({ model, prompt: "/calculator 7+7" });
  const pieces: string[] = [];
  for await (const piece of streamed.textStream) pieces.push(piece);
  expect(pieces.join("")).toContain("14");
  expect(await streamed.finishReason).toBe("stop");
  const deleting = client.responses.delete(first.id);
  await expect(deleting).rejects.toMatchObject({ status: 409, code: "conflict" });
});

test("a client that hangs up in mid-stream has its turn cancelled, unless the request has a key", async () => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: { ...ENV, ...model.env } });
  const client = openAiOf(server, server.token);
  const ai = aiOf(server, server.token);
  const input = "Tell me a story";
  const chat = { model: "nexflow", messages: [user(input)], stream: true as const };
  /** Has the model say something and waits until the client has it. */
  const begin = async (asked: PromiseLike<Chunks> | Chunks) => {
    const answer = await model.nextAnswer();
    answer.say("Once upon");
    const reading = (await asked)[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await reading.next();
      if (done === true) throw new Error("Expected some text");
      if (JSON.stringify(value).includes("Once upon")) return answer;
    }
  };
  for (const ask of [
    (signal: AbortSignal) => client.chat.completions.create(chat, { signal }),
    (signal: AbortSignal) =>
      client.responses.create({ model: "nexflow", input, stream: true }, { signal }),
    (abortSignal: AbortSignal) =>
      streamText({ model: ai.chat("nexflow"), prompt: input, abortSignal }).stream,
    (abortSignal: AbortSignal) =>
      streamText({ model: ai("nexflow"), prompt: input, abortSignal }).stream,
  ]) {
    const hangUp = new AbortController();
    const answer = await begin(ask(hangUp.signal));
    hangUp.abort();
    await answer.abandoned;
    const [newest] = await list(server);
    const stored = () => read(server, `/api/v1/sessions/${newest?.id}/messages`);
    const states = async () => (await stored()).turns.map(({ state }) => state);
    await expect.poll(states, { timeout: 5_000 }).toEqual(["cancelled"]);
    expect((await stored()).messages).toMatchObject([
      { role: "user", content: input },
      { role: "assistant", content: "Once upon" },
    ]);
  }

  const hangUp = new AbortController();
  const named = { headers: { "idempotency-key": "story" } };
  const answer = await begin(
    client.chat.completions.create(chat, { ...named, signal: hangUp.signal }),
  );
  hangUp.abort();
  answer.say(" a time");
  answer.end();
  const again = await client.chat.completions.create({ ...chat, stream: false }, named);
  expect(again.choices[0]?.message.content).toBe("Once upon a time");
});

async function list(server: { readonly url: string; readonly token: string }) {
  return ((await read(server, "/api/v1/sessions")) as unknown as Listed).sessions;
}

async function read(server: { readonly url: string; readonly token: string }, path: string) {
  const headers = { authorization: `Bearer ${server.token}` };
  const response = await fetch(`${server.url}${path}`, { headers });
  return (await response.json()) as {
    readonly messages: readonly { readonly role: string; readonly content?: string }[];
    readonly turns: readonly { readonly state: string }[];
  };
}
