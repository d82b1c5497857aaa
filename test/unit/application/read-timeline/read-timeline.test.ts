import { test } from "vitest";
import { createReadTimeline } from "#application/read-timeline/read-timeline.ts";
import type { Approval } from "#domain/approval/approval.ts";
import {
  parseApprovalId,
  parseMessageId,
  parseModelCallId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { Task } from "#domain/task/task.ts";
import type { Turn } from "#domain/turn/turn.ts";
import { toTimelineText } from "#presentation/cmd/timeline-text.ts";
import { TimelineAnswer } from "#presentation/gateway/api-schemas.ts";
import { toTimeline } from "#presentation/gateway/to-timeline.ts";

const turnId = parseTurnId("turn1");
const sessionId = parseSessionId("session1");
const userId = parseUserId("ada");
const toolCallId = parseToolCallId("call1");

const TURN: Turn = {
  id: turnId,
  sessionId,
  userId,
  userMessageId: parseMessageId("m1"),
  state: { kind: "completed", endedAtMs: 5_000 },
  attempts: 2,
  epoch: 3,
  isCancelled: false,
  createdAtMs: 1_000,
};

const CALLS: readonly ModelCall[] = [
  modelCall("a", 1, 1_010, {
    kind: "failed",
    endedAtMs: 1_500,
    failure: { code: "LLM_RATE_LIMITED", message: "Model asks\nfor a pause" },
  }),
  modelCall("b", 1, 1_600, { kind: "answered", firstTokenAtMs: 1_700, endedAtMs: 2_000 }),
  modelCall("c", 2, 4_500, { kind: "answered", firstTokenAtMs: 4_600, endedAtMs: 4_990 }),
  modelCall("d", 3, 4_995, { kind: "reserved" }),
];

const TASK: Task = {
  id: parseTaskId("task1"),
  userId,
  origin: { kind: "turn", sessionId, turnId, toolCallId },
  skill: "mail",
  tool: "send",
  skillDigest: "digest",
  policyHash: "hash",
  input: { to: "private" },
  state: {
    kind: "completed",
    endedAtMs: 4_400,
    output: "private",
    usage: { wallMs: 399.5, cpuMs: 1, memoryMiB: 1, outputBytes: 1 },
  },
  createdAtMs: 2_000,
};

const APPROVAL: Approval = {
  id: parseApprovalId("approval1"),
  userId,
  turnId,
  sessionId,
  toolCallId,
  skill: "mail",
  skillDigest: "digest",
  tool: "send",
  input: { to: "private" },
  inputHash: "hash",
  card: {
    approvalId: parseApprovalId("approval1"),
    toolCallId,
    tool: "mail.send",
    input: { to: "private" },
    inputHash: "hash",
    effects: ["external"],
    reaches: [],
    rule: "rule",
    reason: "It asks",
    expiresAtMs: 9_000,
  },
  requestedAtMs: 2_001,
  expiresAtMs: 9_000,
  state: { kind: "granted", by: userId, atMs: 3_900, scope: { kind: "once", isUsed: true } },
  revision: 1,
};

const readTimeline = createReadTimeline({
  turns: { find: async (id) => (id === turnId ? TURN : undefined) },
  spend: { listModelCalls: async () => CALLS },
  tasks: { listOfTurn: async () => [TASK] },
  approvals: { listOfTurn: async () => [APPROVAL] },
});

test("readTimeline() puts all of a turn in the order of time and adds it up", async ({
  expect,
}) => {
  const timeline = await readTimeline({ userId, turnId });
  expect(timeline?.entries.map(({ kind, startedAtMs }) => [kind, startedAtMs])).toEqual([
    ["model-call", 1_010],
    ["model-call", 1_600],
    ["approval", 2_001],
    // The call was on record from 2,000 on; it was made when it was approved.
    ["tool-call", 4_000],
    ["model-call", 4_500],
    ["model-call", 4_995],
  ]);
  expect(timeline?.totals).toEqual({
    steps: 3,
    modelCalls: 4,
    toolCalls: 1,
    approvals: 1,
    inputTokens: 400,
    outputTokens: 40,
    costNanoUsd: 2_000_000,
    ms: 4_000,
  });
});

test("readTimeline() knows no turn of another user", async ({ expect }) => {
  expect(await readTimeline({ userId: parseUserId("bob"), turnId })).toBeUndefined();
  expect(await readTimeline({ turnId: parseTurnId("none") })).toBeUndefined();
  expect(await readTimeline({ turnId })).toBeDefined();
});

test("a timeline as it is answered and shown has no arguments and no results", async ({
  expect,
}) => {
  const timeline = await readTimeline({ userId, turnId });
  if (timeline === undefined) throw new Error("There is no timeline");
  const answer = toTimeline(timeline);
  expect(TimelineAnswer.parse(answer)).toEqual(answer);
  const text = toTimelineText(answer);
  expect(JSON.stringify(answer) + text).not.toContain("private");
  expect(text.split("\n")).toEqual([
    "Turn turn1 of session session1: completed, begun 2 times",
    "Accepted 1970-01-01T00:00:01.000Z",
    "",
    "AT       TOOK                               WHAT                      STATE      DETAIL",
    "10 ms    490 ms   ███·····················  1. openai/gpt-5           failed     LLM_RATE_LIMITED: Model asks for a pause",
    "600 ms   400 ms   ····██··················  1. openai/gpt-5           answered   first token 100 ms, 100 + 10 tokens, $0.000500",
    "1001 ms  1899 ms  ······███████████·······     approval of mail.send  granted    by ada",
    "3000 ms  400 ms   ··················██····     mail.send              completed",
    "3500 ms  490 ms   ·····················███  2. openai/gpt-5           answered   first token 100 ms, 100 + 10 tokens, $0.000500",
    "3995 ms           ·······················█  3. openai/gpt-5           reserved   100 + 10 tokens, $0.000500",
    "",
    "4000 ms, 3 steps, 400 + 40 tokens, $0.002000",
  ]);
});

function modelCall(
  id: string,
  step: number,
  startedAtMs: number,
  state: ModelCall["state"],
): ModelCall {
  return {
    id: parseModelCallId(id),
    turnId,
    sessionId,
    userId,
    step,
    model: "openai/gpt-5",
    usage: { inputTokens: 100, outputTokens: 10 },
    costNanoUsd: 500_000,
    startedAtMs,
    state,
  };
}
