import { test } from "vitest";
import {
  parseModelCallId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { Task } from "#domain/task/task.ts";
import type { SaveTurn } from "#domain/turn/turn-log.ts";
import { Tally } from "#infrastructure/telemetry/tally.ts";
import { TurnMeter } from "#infrastructure/telemetry/turn-meter.ts";

const turnId = parseTurnId("turn1");
const sessionId = parseSessionId("session1");
const userId = parseUserId("ada");
const EMPTY: SaveTurn = {
  turnId,
  sessionId,
  epoch: 1,
  messages: [],
  tasks: [],
  events: [],
  nowMs: 1,
};
const MAIL: Skill = {
  name: "mail",
  version: "1.0.0",
  description: "Sends mail",
  digest: "digest",
  tools: [
    { name: "send", description: "", inputSchema: {}, effects: ["read", "external"], examples: [] },
  ],
};

test("TurnMeter counts models, tokens, cost, tools and ends by what is stored", async ({
  expect,
}) => {
  const { counts, save } = opened();
  await save({
    modelCalls: [
      modelCall({ kind: "answered", endedAtMs: 500 }),
      modelCall({ kind: "failed", endedAtMs: 200, failure: { code: "LLM_TIMEOUT", message: "" } }),
      modelCall({ kind: "reserved" }),
    ],
    tasks: [task("mail", "send"), task("gone", "run")],
    end: { kind: "failed", endedAtMs: 600, failure: { code: "STEP_LIMIT", message: "" } },
  });
  expect(counts()).toEqual({
    "nexflow_model_calls_total openai/a answered": 1,
    "nexflow_model_calls_total openai/a failed": 1,
    "nexflow_model_failures_total openai/a LLM_TIMEOUT": 1,
    nexflow_steps_total: 1,
    "nexflow_tokens_total openai/a input": 20,
    "nexflow_tokens_total openai/a output": 6,
    "nexflow_tokens_total openai/a cached-input": 8,
    "nexflow_cost_usd_total openai/a": 0.5,
    "nexflow_tool_calls_total mail ok external": 1,
    // What names no skill that there is gets no label of its own.
    "nexflow_tool_calls_total unknown ok read": 1,
    "nexflow_turns_total failed": 1,
    "nexflow_turn_failures_total STEP_LIMIT": 1,
  });
});

test("TurnMeter counts nothing of a write that did not come about", async ({ expect }) => {
  const { counts, save } = opened(new Error("away"));
  await expect(save({ end: { kind: "completed", endedAtMs: 1 } })).rejects.toThrow("away");
  expect(counts()).toEqual({});
});

function opened(failure?: Error) {
  const tally = new Tally();
  const meter = new TurnMeter({ tally, listSkills: () => [MAIL], nowMs: () => 1_000 });
  const turns = meter.watch({
    save: async () => {
      if (failure !== undefined) throw failure;
    },
  });
  return {
    save: (part: Partial<SaveTurn>) => turns.save({ ...EMPTY, ...part }),
    counts: () =>
      Object.fromEntries(
        (tally.take()?.counts ?? []).map(({ name, labels, value }) => [
          [name, ...labels].join(" "),
          value,
        ]),
      ),
  };
}

function modelCall(state: ModelCall["state"]): ModelCall {
  return {
    id: parseModelCallId("call1"),
    turnId,
    sessionId,
    userId,
    step: 1,
    model: "openai/a",
    usage: { inputTokens: 10, outputTokens: 3, cachedInputTokens: 4 },
    costNanoUsd: 250_000_000,
    startedAtMs: 100,
    state,
  };
}

function task(skill: string, tool: string): Task {
  const usage = { wallMs: 5, cpuMs: 1, memoryMiB: 1, outputBytes: 1 };
  return {
    id: parseTaskId("task1"),
    userId,
    origin: { kind: "turn", sessionId, turnId, toolCallId: parseToolCallId("c1") },
    skill,
    tool,
    skillDigest: "digest",
    policyHash: "hash",
    input: {},
    state: { kind: "completed", endedAtMs: 9, output: null, usage },
    createdAtMs: 1,
  };
}
