import { test } from "vitest";
import type { Llm, LlmEvent } from "#application/ports/llm.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseToolCallId } from "#domain/shared/id.ts";
import { maskLlm } from "#infrastructure/telemetry/mask-llm.ts";
import { isSecretInSpeech, SecretMasker } from "#infrastructure/telemetry/secret-masker.ts";

const SECRET = "sk-canary-0123456789";
const USAGE = { inputTokens: 1, outputTokens: 1 };
const FINISHED: LlmEvent = { kind: "finished", reason: "stop", usage: USAGE };

test("maskLlm() masks text and thoughts over deltas, each for itself", async ({ expect }) => {
  const said = await streamOf(
    { kind: "reasoning", delta: "hm sk-can" },
    { kind: "reasoning", delta: "ary-0123456789" },
    { kind: "text", delta: "key: sk-canary" },
    { kind: "text", delta: "-01234" },
    { kind: "text", delta: "56789!" },
    { kind: "text", delta: " sk-" },
    FINISHED,
  );
  expect(textOf(said, "reasoning")).toBe("hm [redacted]");
  expect(textOf(said, "text")).toBe("key: [redacted]! sk-");
  expect(said.at(-1)).toBe(FINISHED);
});

test("maskLlm() passes deltas on as they are where nothing is to be masked", async ({ expect }) => {
  const text: LlmEvent = { kind: "text", delta: "Hello." };
  expect(await streamOf(text, FINISHED)).toEqual([text, FINISHED]);
});

test("maskLlm() masks arguments, what failed attempts say, and thoughts as they are kept", async ({
  expect,
}) => {
  const toolCallId = parseToolCallId("call_1");
  const call = { kind: "tool-call", toolCallId, name: "http.get" } as const;
  const said = await streamOf(
    {
      kind: "attempt-failed",
      model: "a/b",
      failure: { code: "LLM_REFUSED", message: `bad key ${SECRET}` },
      usage: USAGE,
      next: { model: "a/b", waitMs: 0 },
    },
    {
      kind: "reasoning-ended",
      part: { kind: "reasoning", text: `so ${SECRET}`, provider: "a", opaque: { of: SECRET } },
    },
    { ...call, input: { kind: "json", value: { url: `https://x/?k=${SECRET}` } } },
    { ...call, name: `x.${SECRET}`, input: { kind: "malformed", text: `{"k":"${SECRET}` } },
    FINISHED,
  );
  expect(said).toMatchObject([
    { failure: { message: "bad key [redacted]" } },
    { part: { text: "so [redacted]" } },
    { input: { value: { url: "https://x/?k=[redacted]" } } },
    { name: "x.[redacted]", input: { text: '{"k":"[redacted]' } },
    FINISHED,
  ]);
  expect(JSON.stringify(said)).not.toContain("opaque");
});

test("maskLlm() masks the fault that a stream ends with, and shows what was held back before it", async ({
  expect,
}) => {
  const events: LlmEvent[] = [];
  const failing = maskLlm(
    scripted([{ kind: "text", delta: "so sk-c" }], new Fault("LLM_REFUSED", `no: ${SECRET}`)),
    new SecretMasker(isSecretInSpeech, [SECRET]),
  );
  const reading = (async () => {
    for await (const event of failing.stream(REQUEST, new AbortController().signal)) {
      events.push(event);
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "LLM_REFUSED", message: "no: [redacted]" });
  expect(textOf(events, "text")).toBe("so sk-c");
});

const REQUEST = { system: "", messages: [], skills: [] };

async function streamOf(...events: readonly LlmEvent[]): Promise<readonly LlmEvent[]> {
  const llm = maskLlm(scripted(events), new SecretMasker(isSecretInSpeech, [SECRET]));
  const said: LlmEvent[] = [];
  for await (const event of llm.stream(REQUEST, new AbortController().signal)) said.push(event);
  return said;
}

function scripted(events: readonly LlmEvent[], fault?: Error): Llm {
  return {
    name: "test/scripted",
    async *stream() {
      yield* events;
      if (fault !== undefined) throw fault;
    },
  };
}

function textOf(events: readonly LlmEvent[], kind: "reasoning" | "text"): string {
  return events.map((event) => (event.kind === kind ? event.delta : "")).join("");
}
