import { describe, test } from "vitest";
import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import type { Message, MessagePart } from "#domain/message/message.ts";
import { parseMessageId, parseSessionId, parseToolCallId, parseTurnId } from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { medianOf } from "../support/timings.ts";

export interface OpenedLlm extends AsyncDisposable {
  readonly llm: Llm;
}

/**
 * What every model must do. The one that `open` gives answers "/calculator 2+2" with a call of
 * `calculator.evaluate`, its result with words that hold "4", and "hello" with some sentences.
 */
export function describeLlm(name: string, open: () => Promise<OpenedLlm>): void {
  describe(`Llm contract: ${name}`, () => {
    test("name is <provider>/<model>", async ({ expect }) => {
      await using opened = await open();
      expect(opened.llm.name).toMatch(/^(?:[a-z]+|custom:[a-z0-9-]+)\/\S+$/u);
    });

    test("stream() gives text in several deltas, then finished, then nothing", async ({
      expect,
    }) => {
      await using opened = await open();
      const events = await ask(opened.llm, [message("user", { kind: "text", text: "hello" })]);
      expect(events.filter(({ kind }) => kind === "text").length).toBeGreaterThan(1);
      expect(events.map(({ kind }) => kind).lastIndexOf("text")).toBe(events.length - 2);
      expect(events.at(-1)).toMatchObject({ kind: "finished", reason: "stop" });
    });

    test("stream() calls a tool by its full name, each time under a new id", async ({ expect }) => {
      await using opened = await open();
      const question = [message("user", { kind: "text", text: "/calculator 2+2" })];
      const [first, second] = [await ask(opened.llm, question), await ask(opened.llm, question)];
      expect(saidIn(first)).toMatchObject([
        {
          kind: "tool-call",
          name: "calculator.evaluate",
          input: { kind: "json", value: { expression: "2+2" } },
        },
        { kind: "finished", reason: "tool-calls" },
      ]);
      const ids = [...first, ...second].flatMap((e) =>
        e.kind === "tool-call" ? [e.toolCallId] : [],
      );
      expect(new Set(ids).size).toBe(2);
      expect(ids.map(parseToolCallId)).toEqual(ids);
    });

    test("stream() answers a tool's result in words", async ({ expect }) => {
      await using opened = await open();
      expect(textIn(await ask(opened.llm, calculation()))).toContain("4");
    });

    test("stream() gives nothing when its signal is aborted already", async ({ expect }) => {
      await using opened = await open();
      const messages = [message("user", { kind: "text", text: "hello" })];
      expect(await ask(opened.llm, messages, AbortSignal.abort())).toEqual([]);
    });

    test("stream() ends within 100 ms of an abort, without finished", async ({ expect }) => {
      await using opened = await open();
      const messages = [message("user", { kind: "text", text: "hello" })];
      const tookMs = await medianOf(5, async () => {
        const abort = new AbortController();
        const events: LlmEvent[] = [];
        let abortedAtMs = 0;
        for await (const event of opened.llm.stream(request(messages), abort.signal)) {
          events.push(event);
          if (event.kind !== "text") continue;
          abortedAtMs = performance.now();
          abort.abort();
        }
        const passedMs = performance.now() - abortedAtMs;
        expect(saidIn(events).map(({ kind }) => kind)).toEqual(["text"]);
        return passedMs;
      });
      expect(tookMs).toBeLessThan(100);
    });
  });
}

/** All events of one answer. */
export async function ask(
  llm: Llm,
  messages: readonly Message[],
  signal = new AbortController().signal,
): Promise<LlmEvent[]> {
  return collect(llm, request(messages), signal);
}

export async function collect(
  llm: Llm,
  asked: LlmRequest,
  signal = new AbortController().signal,
): Promise<LlmEvent[]> {
  const events: LlmEvent[] = [];
  for await (const event of llm.stream(asked, signal)) events.push(event);
  return events;
}

/** Without what is no part of the answer itself. */
function saidIn(events: readonly LlmEvent[]): LlmEvent[] {
  return events.filter(({ kind }) => kind !== "usage" && kind !== "reasoning-ended");
}

export function request(messages: readonly Message[]): LlmRequest {
  return { system: "You are terse.", messages, skills: [calculator] };
}

export function textIn(events: readonly LlmEvent[]): string {
  return events.map((event) => (event.kind === "text" ? event.delta : "")).join("");
}

export function message(role: Message["role"], ...parts: readonly MessagePart[]): Message {
  return {
    id: parseMessageId("message-1"),
    sessionId: parseSessionId("session-1"),
    turnId: parseTurnId("turn-1"),
    role,
    parts,
    isComplete: true,
    createdAtMs: 0,
  };
}

/** A question, the call it led to and the call's result. */
export function calculation(): readonly Message[] {
  const toolCallId = parseToolCallId("call_0123456789");
  const input = { expression: "2+2" };
  return [
    message("user", { kind: "text", text: "/calculator 2+2" }),
    message("assistant", { kind: "tool-call", toolCallId, name: "calculator.evaluate", input }),
    message("tool", {
      kind: "tool-result",
      toolCallId,
      outcome: { kind: "ok", output: { result: "4" } },
    }),
  ];
}

export const calculator: Skill = {
  name: "calculator",
  version: "1.0.0",
  description: "Exact arithmetic",
  digest: "0".repeat(64),
  tools: [
    {
      name: "evaluate",
      description: "Evaluates an arithmetic expression",
      inputSchema: {
        type: "object",
        properties: { expression: { type: "string" } },
        required: ["expression"],
      },
      effects: ["read"],
      examples: [
        { text: "what is 6 * 7", input: { expression: "6 * 7" } },
        { text: "what is {expression}", input: { expression: "{expression}" } },
      ],
      textInput: "expression",
      answer: "{expression} = {result}",
    },
  ],
};
