import type { Message, MessagePart, ToolOutcome } from "#domain/message/message.ts";
import { type Failure, Fault, toFailure } from "#domain/shared/fault.ts";
import { type MessageId, parseMessageId, type ToolCallId } from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { failTask, type Task } from "#domain/task/task.ts";
import type { FinalTurnState } from "#domain/turn/turn.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { TurnLog } from "#domain/turn/turn-log.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Llm } from "../ports/llm.ts";
import type { Logger } from "../ports/logger.ts";
import type { ToolCall, ToolRunner } from "../ports/tool-runner.ts";
import type { RunResult, TurnDispatch } from "../ports/turn-runner.ts";
import { fitToBudget } from "./context-window.ts";
import type { SessionHistory } from "./session-history.ts";
import { SYSTEM_PROMPT } from "./system-prompt.ts";
import { type ShowEvents, TurnRecorder } from "./turn-recorder.ts";

export interface RunTurnDeps {
  readonly llm: Llm;
  readonly turns: Pick<TurnLog, "save">;
  readonly history: Pick<SessionHistory, "load" | "keep">;
  readonly listSkills: () => readonly Skill[];
  readonly tools: ToolRunner;
  readonly show: ShowEvents;
  readonly newId: NewId;
  readonly nowMs: NowMs;
  readonly log: Logger;
  readonly limits: RunLimits;
}

export interface RunLimits {
  readonly maxSteps: number;
  readonly contextTokens: number;
  readonly turnTimeoutMs: number;
  /** Characters of one turn's answer, all its texts together. */
  readonly maxAnswerChars: number;
}

/** What a signal is aborted with when a person stops the turn. */
export const CANCELLED = "cancelled";
/** What a signal is aborted with when the turn may be another run's by now. */
export const ABANDONED = "abandoned";
const TIMED_OUT = "timed-out";

/** What a call came to that a restart cut off after it had begun. */
const INTERRUPTED: ToolOutcome = {
  kind: "error",
  code: "interrupted",
  message: "Nexflow stopped during this call; whether it took effect is not known",
};

/** One step of the loop: what the model said and asked for. */
interface Step {
  readonly messageId: MessageId;
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

/**
 * Runs one turn to its stored end. A model or a skill that fails ends the turn visibly; the
 * promise rejects with bugs only. `signal` aborted with `CANCELLED` ends it as cancelled, with
 * the text that was there, aborted with `ABANDONED` it writes and shows nothing more; what a crash
 * left of an earlier attempt is gone on with.
 */
export function createRunTurn(deps: RunTurnDeps) {
  return async function runTurn(dispatch: TurnDispatch, signal: AbortSignal): Promise<RunResult> {
    try {
      const messages = await deps.history.load(dispatch);
      const run = new TurnRun(deps, { dispatch, messages }, signal);
      return { kind: "ended", headSeq: await run.toEnd() };
    } catch (error) {
      if (error instanceof Fault && error.code === "TURN_FENCED") return { kind: "fenced" };
      throw error;
    }
  };
}

/** A turn, and the messages of its session up to and including its own. */
interface TurnStart {
  readonly dispatch: TurnDispatch;
  readonly messages: readonly Message[];
}

class TurnRun {
  readonly #deps: RunTurnDeps;
  readonly #dispatch: TurnDispatch;
  readonly #signal: AbortSignal;
  readonly #deadline: ReturnType<typeof setTimeout>;
  readonly #messages: Message[];
  readonly #recorder: TurnRecorder;
  #answerChars = 0;

  constructor(deps: RunTurnDeps, { dispatch, messages }: TurnStart, signal: AbortSignal) {
    const { turns, show, nowMs, limits } = deps;
    this.#deps = deps;
    this.#dispatch = dispatch;
    this.#messages = [...messages];
    const own = this.#messages.filter(({ turnId }) => turnId === dispatch.turnId);
    const isAbandoned = () => signal.reason === ABANDONED;
    this.#recorder = new TurnRecorder({ dispatch, turns, show, nowMs, isAbandoned }, own.length);
    // Far cheaper for each turn than `AbortSignal.any` and `AbortSignal.timeout`.
    const controller = new AbortController();
    this.#signal = controller.signal;
    const cancel = () => controller.abort(signal.reason);
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    this.#deadline = setTimeout(() => controller.abort(TIMED_OUT), limits.turnTimeoutMs);
  }

  /** The number of the turn's last event. */
  async toEnd(): Promise<number> {
    const { messageId: userMessageId, text, attempt } = this.#dispatch;
    try {
      this.#recorder.addEvents({ kind: "turn-started", userMessageId, text, attempt });
      const state = await this.#loop();
      await this.#recorder.end(state);
      const { headSeq } = this.#recorder;
      this.#deps.history.keep(this.#dispatch.sessionId, headSeq, this.#messages);
      return headSeq;
    } finally {
      clearTimeout(this.#deadline);
      this.#recorder.abandon();
    }
  }

  async #loop(): Promise<FinalTurnState> {
    try {
      if (this.#dispatch.isCancelled) return this.#cancelled();
      this.#closeInterruptedCalls();
      for (let step = 0; step < this.#deps.limits.maxSteps; step++) {
        const answer = await this.#askModel();
        this.#remember(answer.messageId, "assistant", toParts(answer));
        if (answer.calls.length === 0) return { kind: "completed", endedAtMs: this.#deps.nowMs() };
        await this.#callTools(answer);
        this.#signal.throwIfAborted();
      }
      const { maxSteps } = this.#deps.limits;
      return this.#failed({
        code: "STEP_LIMIT",
        message: `The turn took ${maxSteps} steps and had no answer; the limit is NEXFLOW_MAX_STEPS`,
      });
    } catch (error) {
      return this.#endOf(error);
    }
  }

  /** Streams one answer of the model to its end. What was said before a failure is kept. */
  async #askModel(): Promise<Step> {
    const { llm, limits, listSkills, newId } = this.#deps;
    const messageId = parseMessageId(newId());
    const messages = fitToBudget(this.#messages, limits.contextTokens);
    const calls: ToolCall[] = [];
    let text = "";
    let isWhole = false;
    try {
      const request = { system: SYSTEM_PROMPT, messages, skills: listSkills() };
      for await (const event of llm.stream(request, this.#signal)) {
        if (event.kind === "tool-call") calls.push(event);
        if (event.kind !== "text" || event.delta === "") continue;
        if (text === "") this.#recorder.addEvents({ kind: "text-started", messageId });
        text += event.delta;
        this.#recorder.addText(messageId, event.delta);
        this.#countAnswer(event.delta);
      }
      this.#signal.throwIfAborted();
      isWhole = true;
    } finally {
      if (text !== "") this.#recorder.addEvents({ kind: "text-ended", messageId });
      if (text !== "" && !isWhole) {
        this.#remember(messageId, "assistant", [{ kind: "text", text }], false);
      }
    }
    return { messageId, text, calls };
  }

  /** Makes the calls of one step side by side and remembers what came of them. */
  async #callTools({ messageId, calls }: Step): Promise<void> {
    const { turnId, sessionId, userId } = this.#dispatch;
    const turn = { turnId, sessionId, userId };
    const planned = calls.map((call) => ({ call, plan: this.#deps.tools.prepare(turn, call) }));
    for (const call of calls) this.#recorder.addEvents(...callEvents(call, messageId));
    const tasks = planned.flatMap(({ plan }) => (plan.kind === "prepared" ? [plan] : []));
    if (tasks.some(({ tool }) => tool.effects.some((effect) => effect !== "read"))) {
      // What changes something is on record before it is done, so that it is never done twice.
      for (const { task } of tasks) this.#recorder.addTask(task);
      await this.#recorder.save();
    }
    const results = await Promise.all(
      planned.map(async ({ call, plan }) => {
        const outcome = plan.kind === "prepared" ? await this.#invoke(plan.task) : plan;
        return this.#showResult(call.toolCallId, outcome);
      }),
    );
    for (const { id, part } of results) this.#remember(id, "tool", [part]);
  }

  async #invoke(task: Task): Promise<ToolOutcome> {
    const { tools, nowMs, log } = this.#deps;
    try {
      const ended = await tools.invoke(task, this.#signal);
      this.#recorder.addTask(ended.task);
      return ended.outcome;
    } catch (error) {
      log.error(
        { turnId: this.#dispatch.turnId, taskId: task.id, error },
        "A skill could not be run",
      );
      const failure = toFailure(error);
      this.#recorder.addTask(failTask(task, failure, nowMs()));
      return { kind: "error", ...failure };
    }
  }

  /** Answers calls that an earlier attempt had begun and on whose end nothing is known. */
  #closeInterruptedCalls(): void {
    const own = this.#messages.filter(({ turnId }) => turnId === this.#dispatch.turnId);
    const parts = own.flatMap((message) => message.parts);
    const answered = new Set(
      parts.map((part) => (part.kind === "tool-result" ? part.toolCallId : undefined)),
    );
    for (const call of parts) {
      if (call.kind !== "tool-call" || answered.has(call.toolCallId)) continue;
      const { id, part } = this.#showResult(call.toolCallId, INTERRUPTED);
      this.#remember(id, "tool", [part]);
    }
  }

  #showResult(toolCallId: ToolCallId, outcome: ToolOutcome) {
    const id = parseMessageId(this.#deps.newId());
    this.#recorder.addEvents({ kind: "tool-call-returned", toolCallId, messageId: id, outcome });
    return { id, part: { kind: "tool-result", toolCallId, outcome } as const };
  }

  #remember(
    id: MessageId,
    role: Message["role"],
    parts: readonly MessagePart[],
    isComplete = true,
  ): void {
    this.#messages.push(this.#recorder.addMessage(id, role, parts, isComplete));
  }

  #countAnswer({ length }: string): void {
    this.#answerChars += length;
    const { maxAnswerChars } = this.#deps.limits;
    if (this.#answerChars <= maxAnswerChars) return;
    throw new Fault("LLM_BAD_ANSWER", `The answer is longer than ${maxAnswerChars} characters`);
  }

  #endOf(error: unknown): FinalTurnState {
    const { reason } = this.#signal;
    if (this.#signal.aborted && reason === CANCELLED) return this.#cancelled();
    if (this.#signal.aborted && reason === ABANDONED) {
      throw new Fault("TURN_FENCED", `Turn "${this.#dispatch.turnId}" was given up`);
    }
    const { turnTimeoutMs } = this.#deps.limits;
    if (this.#signal.aborted && reason === TIMED_OUT) {
      const message = `The turn took longer than ${turnTimeoutMs} ms; the limit is NEXFLOW_TURN_TIMEOUT_MS`;
      return this.#failed({ code: "TURN_TIMEOUT", message });
    }
    if (error instanceof Fault && error.code === "TURN_FENCED") throw error;
    this.#deps.log.warn({ turnId: this.#dispatch.turnId, error }, "A turn failed");
    return this.#failed(toFailure(error));
  }

  #cancelled(): FinalTurnState {
    return { kind: "cancelled", endedAtMs: this.#deps.nowMs() };
  }

  #failed(failure: Failure): FinalTurnState {
    return { kind: "failed", endedAtMs: this.#deps.nowMs(), failure };
  }
}

function toParts({ text, calls }: Step): MessagePart[] {
  const parts: MessagePart[] = text === "" ? [] : [{ kind: "text", text }];
  for (const { toolCallId, name, input } of calls) {
    const value = input.kind === "json" ? input.value : input.text;
    parts.push({ kind: "tool-call", toolCallId, name, input: value });
  }
  return parts;
}

function callEvents({ toolCallId, name, input }: ToolCall, messageId: MessageId): TurnEvent[] {
  const inputJson = input.kind === "json" ? JSON.stringify(input.value) : input.text;
  return [
    { kind: "tool-call-started", toolCallId, messageId, name },
    { kind: "tool-call-input", toolCallId, inputJson },
    { kind: "tool-call-ended", toolCallId },
  ];
}
