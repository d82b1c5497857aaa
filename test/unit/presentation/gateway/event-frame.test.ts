import { EventSchema, MessageSchema } from "@ag-ui/core/schemas";
import { describe, test } from "vitest";
import type { Message } from "#domain/message/message.ts";
import { parseMessageId, parseSessionId, parseToolCallId, parseTurnId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import {
  encodeEventFrame,
  encodeSnapshotFrame,
  toAgUiMessage,
} from "#presentation/gateway/event-frame.ts";

const sessionId = parseSessionId("s1");
const turnId = parseTurnId("t1");
const messageId = parseMessageId("m1");
const toolCallId = parseToolCallId("c1");
const position = { sessionId, turnId, epoch: 3, seq: 7 };

const EVENTS: readonly [TurnEvent, Record<string, unknown>][] = [
  [
    { kind: "turn-started", userMessageId: messageId, text: "hi", attempt: 1 },
    {
      type: "RUN_STARTED",
      threadId: "s1",
      runId: "t1",
      input: {
        threadId: "s1",
        runId: "t1",
        messages: [{ id: "m1", role: "user", content: "hi" }],
        tools: [],
        context: [],
      },
    },
  ],
  [
    { kind: "text-started", messageId },
    { type: "TEXT_MESSAGE_START", messageId: "m1", role: "assistant" },
  ],
  [
    { kind: "text-delta", messageId, delta: 'é "\n\u2028' },
    { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: 'é "\n\u2028' },
  ],
  [
    { kind: "text-ended", messageId },
    { type: "TEXT_MESSAGE_END", messageId: "m1" },
  ],
  [
    { kind: "tool-call-started", toolCallId, messageId, name: "clock.now" },
    {
      type: "TOOL_CALL_START",
      toolCallId: "c1",
      toolCallName: "clock.now",
      parentMessageId: "m1",
    },
  ],
  [
    { kind: "tool-call-input", toolCallId, inputJson: '{"zone":"UTC"}' },
    { type: "TOOL_CALL_ARGS", toolCallId: "c1", delta: '{"zone":"UTC"}' },
  ],
  [
    { kind: "tool-call-ended", toolCallId },
    { type: "TOOL_CALL_END", toolCallId: "c1" },
  ],
  [
    {
      kind: "tool-call-returned",
      toolCallId,
      messageId,
      outcome: { kind: "ok", output: { time: "12:00" } },
    },
    {
      type: "TOOL_CALL_RESULT",
      messageId: "m1",
      toolCallId: "c1",
      role: "tool",
      content: '{"ok":true,"output":{"time":"12:00"}}',
    },
  ],
  [
    {
      kind: "tool-call-returned",
      toolCallId,
      messageId,
      outcome: { kind: "error", code: "wall-time", message: "Took too long" },
    },
    {
      type: "TOOL_CALL_RESULT",
      messageId: "m1",
      toolCallId: "c1",
      role: "tool",
      content: '{"ok":false,"error":{"code":"wall-time","message":"Took too long"}}',
    },
  ],
  [
    { kind: "turn-completed" },
    { type: "RUN_FINISHED", threadId: "s1", runId: "t1", outcome: { type: "success" } },
  ],
  [
    { kind: "turn-cancelled" },
    { type: "RUN_FINISHED", threadId: "s1", runId: "t1", outcome: { type: "cancelled" } },
  ],
  [
    { kind: "turn-failed", failure: { code: "LLM_TIMEOUT", message: "No answer in time" } },
    { type: "RUN_ERROR", code: "LLM_TIMEOUT", message: "No answer in time" },
  ],
];

const user: Message = {
  id: messageId,
  sessionId,
  turnId,
  role: "user",
  parts: [{ kind: "text", text: "What is 2+2?" }],
  isComplete: true,
  createdAtMs: 5,
};
const caller: Message = {
  ...user,
  role: "assistant",
  parts: [
    { kind: "text", text: "Let me see" },
    { kind: "tool-call", toolCallId, name: "calculator.evaluate", input: { expression: "2+2" } },
  ],
};
const result: Message = {
  ...user,
  role: "tool",
  parts: [{ kind: "tool-result", toolCallId, outcome: { kind: "ok", output: 4 } }],
};
const cutOff: Message = { ...caller, parts: [{ kind: "text", text: "It i" }], isComplete: false };

describe("encodeEventFrame()", () => {
  test.for(EVENTS)("shows $0.kind as AG-UI", ([event, shown], { expect }) => {
    const frame: unknown = JSON.parse(encodeEventFrame({ ...position, event }));
    expect(frame).toEqual({
      type: "event",
      sessionId: "s1",
      turnId: "t1",
      epoch: 3,
      seq: 7,
      event: shown,
    });
    expect(EventSchema.parse(shown)).toEqual(shown);
  });
});

describe("toAgUiMessage()", () => {
  const ours = { turnId: "t1", createdAtMs: 5 };
  const call = {
    id: "c1",
    type: "function",
    function: { name: "calculator.evaluate", arguments: '{"expression":"2+2"}' },
  };
  test.for<[string, Message, Record<string, unknown>]>([
    ["a question", user, { id: "m1", role: "user", content: "What is 2+2?", ...ours }],
    [
      "text and tool call",
      caller,
      { id: "m1", role: "assistant", content: "Let me see", toolCalls: [call], ...ours },
    ],
    [
      "a bare tool call",
      { ...caller, parts: caller.parts.slice(1) },
      { id: "m1", role: "assistant", toolCalls: [call], ...ours },
    ],
    [
      "an empty answer",
      { ...caller, parts: [] },
      { id: "m1", role: "assistant", content: "", ...ours },
    ],
    [
      "a tool result",
      result,
      { id: "m1", role: "tool", toolCallId: "c1", content: '{"ok":true,"output":4}', ...ours },
    ],
    [
      "an answer cut off",
      cutOff,
      { id: "m1", role: "assistant", content: "It i", isComplete: false, ...ours },
    ],
  ])("shows %s", ([, message, shown], { expect }) => {
    expect(toAgUiMessage(message)).toEqual(shown);
    expect(MessageSchema.parse(shown)).toEqual(shown);
  });

  test("refuses a tool message without a result", ({ expect }) => {
    expect(() => toAgUiMessage({ ...result, parts: [] })).toThrow(RangeError);
  });
});

test("encodeSnapshotFrame() holds every message and is valid AG-UI", ({ expect }) => {
  const messages = [user, caller, result, cutOff];
  const failure = { code: "LLM_TIMEOUT", message: "The model did not answer" };
  const turns = [{ id: position.turnId, state: "failed", failure }] as const;
  const text = encodeSnapshotFrame({ ...position, messages, turns });
  const frame = JSON.parse(text) as { event: unknown };
  expect(frame).toMatchObject({ type: "event", epoch: 3, seq: 7 });
  expect(frame.event).toEqual({
    type: "MESSAGES_SNAPSHOT",
    messages: messages.map(toAgUiMessage),
    metadata: { turns },
  });
  expect(EventSchema.parse(frame.event)).toEqual(frame.event);
});
