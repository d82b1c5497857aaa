import { createToolRunner } from "#application/invoke-skill/invoke-skill.ts";
import type { BuildContextInput } from "#application/ports/build-context.ts";
import type { Llm, LlmEvent, LlmRequest } from "#application/ports/llm.ts";
import type {
  CallFacts,
  SourceCall,
  SourceResult,
  ToolDecision,
  ToolSource,
} from "#application/ports/tool-source.ts";
import type { PlannedAttempt, TurnBudget } from "#application/ports/turn-budget.ts";
import { BackgroundCalls } from "#application/run-turn/background-calls.ts";
import type { RunLimits } from "#application/run-turn/run-state.ts";
import { createRunTurn } from "#application/run-turn/run-turn.ts";
import { SessionHistory } from "#application/run-turn/session-history.ts";
import type { AuditEvent } from "#domain/audit/audit-log.ts";
import type { Brake } from "#domain/brake/brake.ts";
import { textOf } from "#domain/message/message.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseToolCallId, type TaskId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill, ToolEffect } from "#domain/skill/skill.ts";
import { NO_USAGE } from "#domain/task/task.ts";
import type { NumberedEvent } from "#domain/turn/turn-event.ts";
import type { QueuedTurn } from "#domain/turn/turn-log.ts";
import { newId, sha256 } from "#infrastructure/ids/ids.ts";
import {
  createApprovalRepository,
  createBackgroundTasks,
  createBrakeRepository,
  createSpendRepository,
  createTaskRepository,
  createTurnControls,
  createTurnReader,
} from "#infrastructure/store/repositories.ts";
import { silentLog } from "./silent-log.ts";
import { createTestContext } from "./test-context.ts";
import { openTurnStore, type SyncReader } from "./turn-store.ts";

/** What a model says in one step; a function says it with the signal at hand. */
export type Step =
  | readonly LlmEvent[]
  | ((signal: AbortSignal, request: LlmRequest) => AsyncIterable<LlmEvent>);

export const say = (delta: string): LlmEvent => ({ kind: "text", delta });
export const finish: Extract<LlmEvent, { kind: "finished" }> = {
  kind: "finished",
  reason: "stop",
  usage: { inputTokens: 1, outputTokens: 1 },
};
export const call = (id: string, name: string, value: JsonValue = {}): LlmEvent => ({
  kind: "tool-call",
  toolCallId: parseToolCallId(id),
  name,
  input: { kind: "json", value },
});

export const LIMITS: RunLimits = { maxSteps: 4, turnTimeoutMs: 10_000, maxAnswerChars: 1_000 };

export const FACTS: CallFacts = {
  rule: "test",
  policyHash: "p1",
  reaches: [],
  actsOutside: false,
  bringsUntrusted: false,
  holdsPrivate: false,
};

const tool = (name: string, effects: readonly ToolEffect[]) => ({
  name,
  description: name,
  inputSchema: {
    type: "object",
    properties: { n: { type: "integer", maximum: 9 } },
    additionalProperties: true,
  },
  effects,
  examples: [],
});

/** A skill that looks into a box, puts things in, and sends them out. */
export const BOX: Skill = {
  name: "box",
  version: "1.0.0",
  description: "A box",
  digest: "sha256:box",
  tools: [
    tool("look", ["read"]),
    tool("put", ["write"]),
    tool("send", ["external"]),
    {
      ...tool("count", ["read"]),
      outputSchema: { type: "object", properties: { n: { type: "integer" } }, required: ["n"] },
    },
  ],
};

export interface OpenRun {
  readonly steps: readonly Step[];
  readonly limits?: Partial<RunLimits>;
  readonly contextTokens?: number;
  readonly contextModel?: string;
  readonly budget?: Partial<TurnBudget>;
  readonly backgroundAfterMs?: number;
  /** Skills beside the box. */
  readonly more?: readonly Skill[];
}

/** Runs turns over the real tables, with a model that says what it is told to. */
export async function openRun(options: OpenRun) {
  const { steps, limits = {}, contextTokens = 1_000, budget = {} } = options;
  const { backgroundAfterMs = 0, more = [] } = options;
  const store = await openTurnStore();
  const { reader, writer } = store.callers;
  const requests: LlmRequest[] = [];
  const attempts: PlannedAttempt[] = [];
  const contexts: BuildContextInput[] = [];
  const buildContext = createTestContext(contextTokens, options.contextModel);
  const llm: Llm = {
    name: "test/script",
    async *stream(request, signal) {
      const step = steps[requests.push(request) - 1] ?? [];
      yield* typeof step === "function" ? step(signal, request) : step;
    },
  };
  let readHistory: SyncReader["listHistory"] = (...turn) => store.reader.listHistory(...turn);
  let historyReads = 0;
  const calls: SourceCall[] = [];
  let answer = async (
    made: SourceCall,
    _signal: AbortSignal,
  ): Promise<SourceResult["outcome"]> => ({
    kind: "ok",
    output: { tool: made.tool, input: made.input },
  });
  let decide = (_tool: string): ToolDecision => ({ kind: "allow", facts: FACTS });
  const source: ToolSource = {
    listSkills: () => [BOX, ...more],
    decide: ({ tool: name }) => decide(name),
    invoke: async (made, signal) => {
      calls.push(made);
      const outcome = await answer(made, signal);
      return { outcome, usage: NO_USAGE, skillDigest: BOX.digest, policyHash: "p1" };
    },
  };
  const audited: AuditEvent[] = [];
  const shown: NumberedEvent[] = [];
  let now = 1;
  const nowMs = () => now;
  let knownBrake: Brake | "off" | undefined = "off";
  const approvals = createApprovalRepository(reader, writer);
  const spend = createSpendRepository(reader, writer);
  const brakes = createBrakeRepository(reader, writer);
  const controls = createTurnControls(reader);
  let looks = 0;
  const reported: TaskId[] = [];
  const background = new BackgroundCalls({
    tasks: createBackgroundTasks(writer),
    afterMs: backgroundAfterMs,
    onEnded: ({ id }) => reported.push(id),
    nowMs,
    log: silentLog,
  });
  const runTurn = createRunTurn({
    llm,
    turns: store.turns,
    history: new SessionHistory({
      read: async (...turn) => {
        historyReads += 1;
        return readHistory(...turn);
      },
    }),
    buildContext: (input, signal) => {
      contexts.push(input);
      return buildContext(input, signal);
    },
    tools: createToolRunner({
      sources: [source],
      audit: (event) => audited.push(event),
      newId,
      nowMs,
    }),
    background,
    budget: {
      settle: (ended) => ended,
      timeLeft: () => undefined,
      ...budget,
      admit: (attempt) => {
        attempts.push(attempt);
        return budget.admit?.(attempt) ?? { kind: "admitted" };
      },
    },
    approvals,
    tasks: createTaskRepository(reader, writer),
    spend,
    controls: {
      read: (turn) => {
        looks += 1;
        return controls.read(turn);
      },
    },
    readTurn: createTurnReader(reader),
    knownBrake: () => knownBrake,
    hash: sha256,
    show: (_dispatch, events) => shown.push(...events),
    newId,
    nowMs,
    log: silentLog,
    limits: { ...LIMITS, ...limits },
  });
  /** Takes a turn from whoever had it, for a run of its own. */
  const takeOver = async ({ turnId, sessionId }: QueuedTurn) => {
    const { instanceId } = store.owner;
    const { epoch = 0 } = await store.turns.recover({ instanceId, turnIds: [turnId], nowMs: 2 });
    const owner = { instanceId, epoch };
    const [claimed] = await store.turns.claim({ owner, limit: 1, sessionId, nowMs: 2 });
    return { ...claimed, epoch };
  };
  return {
    takeOver,
    store,
    approvals,
    spend,
    brakes,
    requests,
    contexts,
    attempts,
    calls,
    shown,
    audited,
    background,
    /** The tasks whose end was stored after their turns had left them. */
    reported,
    looks: () => looks,
    kinds: () => shown.map(({ event }) => event.kind),
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    decideWith: (next: typeof decide) => {
      decide = next;
    },
    setTime: (ms: number) => {
      now = ms;
    },
    knowBrake: (brake: typeof knownBrake) => {
      knownBrake = brake;
    },
    /** Gives how to mend them. */
    breakReads: (
      error: Error = new Fault("STORE_UNAVAILABLE", "Cannot read: the disk is gone"),
    ) => {
      const whole = readHistory;
      readHistory = () => {
        throw error;
      };
      return () => {
        readHistory = whole;
      };
    },
    historyReads: () => historyReads,
    run: async (turn: QueuedTurn, signal = new AbortController().signal, isCancelled = false) => {
      return runTurn({ epoch: store.owner.epoch, isCancelled, ...turn }, signal);
    },
    /** Claims the next turn of a session as the instance would, for a run. */
    claim: async ({ sessionId }: Pick<QueuedTurn, "sessionId">) => {
      const { owner } = store;
      const [turn] = await store.turns.claim({ owner, limit: 1, sessionId, nowMs: now });
      if (turn === undefined) throw new Error("Cannot claim: no turn of the session is queued");
      return turn;
    },
    /** What a reader finds of a turn: its messages, and its state. */
    stored: ({ sessionId, turnId }: Pick<QueuedTurn, "sessionId" | "turnId">) => ({
      state: store.reader.findTurn(turnId)?.state,
      taint: store.reader.findSession(sessionId)?.taint,
      tasks: store.reader.listTasks({ sessionId, limit: 100 }),
      messages: store.reader
        .listMessages({ sessionId, limit: 100 })
        .map(({ role, parts }) => ({ role, parts })),
      texts: store.reader.listMessages({ sessionId, limit: 100 }).map(textOf).filter(Boolean),
      events: store.reader.readEvents({ sessionId, after: 0, limit: 1_000 }),
    }),
    [Symbol.asyncDispose]: store[Symbol.asyncDispose],
  };
}

export async function* sayUntilAborted(text: string, signal: AbortSignal): AsyncIterable<LlmEvent> {
  yield say(text);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
}
