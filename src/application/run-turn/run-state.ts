import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";
import type { HashText } from "#domain/audit/audit-chain.ts";
import type { Brake } from "#domain/brake/brake.ts";
import type { Message, MessagePart, ToolOutcome } from "#domain/message/message.ts";
import type { ContextVersion } from "#domain/session/context-version.ts";
import {
  addsTaint,
  mergeTaint,
  NO_TAINT,
  type SessionTaint,
} from "#domain/session/session-taint.ts";
import { Fault } from "#domain/shared/fault.ts";
import { type MessageId, parseMessageId, type ToolCallId } from "#domain/shared/id.ts";
import { addSpend, NO_SPEND, type Spend } from "#domain/spend/budget.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { SpendRepository } from "#domain/spend/spend-repository.ts";
import type { TaskRepository } from "#domain/task/task-repository.ts";
import type { TurnControls } from "#domain/turn/turn-controls.ts";
import type { TurnLog } from "#domain/turn/turn-log.ts";
import type { TurnReader } from "#domain/turn/turn-reader.ts";
import type { BuildContext, Summarised } from "../ports/build-context.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Llm } from "../ports/llm.ts";
import { type Logger, withFields } from "../ports/logger.ts";
import type { ToolRunner } from "../ports/tool-runner.ts";
import type { TraceParentOf } from "../ports/trace-parent.ts";
import type { TimeLeft, TurnBudget } from "../ports/turn-budget.ts";
import type { TurnDispatch } from "../ports/turn-runner.ts";
import type { BackgroundCalls } from "./background-calls.ts";
import type { SessionHistory } from "./session-history.ts";
import { type ShowEvents, TurnRecorder } from "./turn-recorder.ts";
import type { TurnSignal } from "./turn-signal.ts";

export interface RunTurnDeps {
  readonly llm: Llm;
  readonly turns: Pick<TurnLog, "save">;
  readonly history: Pick<SessionHistory, "load" | "keep">;
  readonly buildContext: BuildContext;
  readonly tools: ToolRunner;
  readonly background: Pick<BackgroundCalls, "race" | "adopt">;
  readonly budget: TurnBudget;
  readonly approvals: Pick<ApprovalRepository, "listGrants" | "listOfTurn" | "save">;
  readonly tasks: Pick<TaskRepository, "list">;
  readonly spend: Pick<SpendRepository, "listModelCalls">;
  readonly controls: TurnControls;
  /** Messages of a turn that has pictures and joins this one. */
  readonly readTurn: Pick<TurnReader, "listMessages">;
  /**
   * The brake as this process knows it, for the first step of a turn, which asks the store nothing:
   * `undefined` where it does not know.
   */
  readonly knownBrake: () => Brake | "off" | undefined;
  readonly hash: HashText;
  /** Left out where services are told nothing of traces. */
  readonly traceParentOf?: TraceParentOf | undefined;
  readonly show: ShowEvents;
  readonly newId: NewId;
  readonly nowMs: NowMs;
  readonly log: Logger;
  readonly limits: RunLimits;
}

export interface RunLimits {
  /** Of one turn, in all its runs. */
  readonly maxSteps: number;
  /** How long a turn may run, in all its runs; time in which it waits is not counted. */
  readonly turnTimeoutMs: number;
  /** Characters of one run's answers, all texts, thoughts and arguments of calls together. */
  readonly maxAnswerChars: number;
}

/** A turn, and the messages of its session up to and including its own. */
export interface TurnStart {
  readonly dispatch: TurnDispatch;
  readonly startedAtMs: number;
  /** Whoever made it closes it. */
  readonly stop: TurnSignal;
  readonly messages: readonly Message[];
  /** What its earlier runs spent. */
  readonly modelCalls: readonly ModelCall[];
}

/** What the parts of one run share: what was said, what it shows, what it took. */
export class RunState {
  readonly deps: RunTurnDeps;
  readonly dispatch: TurnDispatch;
  readonly recorder: TurnRecorder;
  readonly stop: TurnSignal;
  /**
   * What there is for models beside messages, as of the last look at the store. Before the first one
   * it is as of when the turn was accepted.
   */
  contextVersion: ContextVersion | undefined;
  /** As of the last step. */
  summarised: Summarised | undefined;
  readonly #messages: Message[];
  readonly #startedAtMs: number;
  #taint: SessionTaint;
  #spent: Spend;
  #steps: number;
  #model: string | undefined;
  #answerChars = 0;
  /** When the limit of time that holds now was asked for. */
  #limitAskedAtMs = 0;

  constructor(
    deps: RunTurnDeps,
    { dispatch, startedAtMs, stop, messages, modelCalls }: TurnStart,
    outer: AbortSignal,
  ) {
    const { turns, show, nowMs } = deps;
    const { turnId, sessionId } = dispatch;
    this.deps = { ...deps, log: withFields(deps.log, { turnId, sessionId }) };
    this.dispatch = dispatch;
    this.contextVersion = dispatch.attempt === 1 ? dispatch.contextVersion : undefined;
    this.#messages = [...messages];
    this.#startedAtMs = startedAtMs;
    this.#taint = dispatch.session?.taint ?? NO_TAINT;
    this.#spent = modelCalls.reduce((sum, call) => addSpend(sum, spendOf(call)), NO_SPEND);
    this.#model = modelCalls.findLast(({ state }) => state.kind === "answered")?.model;
    const own = this.ownMessages();
    this.#steps = own.filter(({ role, isComplete }) => role === "assistant" && isComplete).length;
    this.recorder = new TurnRecorder(
      { dispatch, turns, show, nowMs, startedAtMs, signal: outer },
      own.length,
    );
    this.stop = stop;
  }

  /** What was said in the session up to now, the turn's own messages last. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** What the session has come into touch with by now. */
  get taint(): SessionTaint {
    return this.#taint;
  }

  /** How many steps the turn has taken, in all its runs. */
  get steps(): number {
    return this.#steps;
  }

  /** The model that answered last. */
  get model(): string | undefined {
    return this.#model;
  }

  /** What the turn took up to now, in all its runs. */
  get spent(): Spend {
    const { ranMs = 0 } = this.dispatch;
    const wallMs = ranMs + Math.max(0, this.deps.nowMs() - this.#startedAtMs);
    return { ...this.#spent, wallMs };
  }

  /**
   * Ends the run when its time is up: `time` is what was left at `askedAtMs`, however long the
   * answer took. One that was asked for before another that is here already says nothing new.
   */
  limitTo(time: TimeLeft | undefined, askedAtMs: number): void {
    if (time === undefined || askedAtMs < this.#limitAskedAtMs) return;
    this.#limitAskedAtMs = askedAtMs;
    const leftMs = time.leftMs - Math.max(0, this.deps.nowMs() - askedAtMs);
    this.stop.limit(leftMs, new Fault("BUDGET_EXCEEDED", time.failure.message));
  }

  /** Holds the run to what budgets of time leave now. */
  async limitTime(): Promise<void> {
    const { deps, dispatch, stop } = this;
    const askedAtMs = deps.nowMs();
    const turn = { dispatch, turnSpend: this.spent, signal: stop.signal };
    this.limitTo(await deps.budget.timeLeft(turn), askedAtMs);
  }

  /**
   * To be called every now and then: stores how long the turn has run, and holds it to what others
   * have left of the same budgets meanwhile. A turn that is another run's by now is given up here.
   * Never rejects.
   */
  async keepTime(): Promise<void> {
    const saved = await this.recorder.saveTime();
    if (saved === "fenced") this.stop.abandon();
    if (saved !== "saved") return;
    // It rejects only when the run is to stop in any case.
    await this.limitTime().catch(() => undefined);
  }

  ownMessages(): readonly Message[] {
    const { turnId: own } = this.dispatch;
    return this.#messages.slice(this.#messages.findLastIndex(({ turnId }) => turnId !== own) + 1);
  }

  /** Adds what a model said: a step, where it is whole. */
  addAnswer(id: MessageId, parts: readonly MessagePart[], isComplete: boolean): void {
    this.#messages.push(this.recorder.addMessage(id, "assistant", parts, isComplete));
    if (isComplete) this.#steps += 1;
  }

  /** Shows what a call came to; gives the message that is to be remembered, in its order. */
  showResult(toolCallId: ToolCallId, outcome: ToolOutcome): ToolMessage {
    const id = parseMessageId(this.deps.newId());
    this.recorder.addEvents({ kind: "tool-call-returned", toolCallId, messageId: id, outcome });
    return { id, part: { kind: "tool-result", toolCallId, outcome } };
  }

  addResult({ id, part }: ToolMessage): void {
    this.#messages.push(this.recorder.addMessage(id, "tool", [part]));
  }

  addJoined(messages: readonly Message[]): void {
    this.#messages.push(...messages);
  }

  addTaint(more: SessionTaint): void {
    if (!addsTaint(this.#taint, more)) return;
    this.#taint = mergeTaint(this.#taint, more);
    this.recorder.setTaint(this.#taint);
    this.recorder.addEvents({ kind: "session-tainted", taint: this.#taint });
  }

  /** Takes an attempt of a model that has ended into account. */
  addModelCall(ended: ModelCall): void {
    const call = this.deps.budget.settle(ended);
    this.#spent = addSpend(this.#spent, spendOf(call));
    if (call.state.kind === "answered") this.#model = call.model;
    this.recorder.addModelCall(call);
  }

  /** Gives how many characters may still come; less than 0: too many came. */
  countAnswer(chars: number): number {
    this.#answerChars += chars;
    return this.deps.limits.maxAnswerChars - this.#answerChars;
  }
}

/** A tool's result before it has its place among the turn's messages. */
export interface ToolMessage {
  readonly id: MessageId;
  readonly part: Extract<MessagePart, { kind: "tool-result" }>;
}

function spendOf({ usage, costNanoUsd }: ModelCall): Spend {
  return { steps: 1, tokens: usage.inputTokens + usage.outputTokens, costNanoUsd, wallMs: 0 };
}
