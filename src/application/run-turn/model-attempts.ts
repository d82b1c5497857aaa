import { type Failure, toFailure } from "#domain/shared/fault.ts";
import { parseModelCallId } from "#domain/shared/id.ts";
import { type ModelInput, weighTokens } from "#domain/spend/estimate-tokens.ts";
import type { ModelCall, ModelCallState } from "#domain/spend/model-call.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { AdmitNext, LlmEvent } from "../ports/llm.ts";
import type { BudgetAnswer } from "../ports/turn-budget.ts";
import type { RunState } from "./run-state.ts";
import { CANCELLED } from "./turn-signal.ts";

/** So long a stopped turn waits to hear whether something was set aside for it. */
const RESERVE_GRACE_MS = 250;
const NO_TOKENS: TokenUsage = { inputTokens: 0, outputTokens: 0 };

interface Attempt {
  readonly call: ModelCall;
  firstTokenAtMs: number | undefined;
  usage: TokenUsage | undefined;
  /** What the model wrote, about. */
  tokens: number;
}

/** A budget did not let a model be asked: how the turn fails. */
export class BudgetRefusal extends Error {
  override readonly name = "BudgetRefusal";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** The attempts of one answer: each is admitted by the budget before and on record after. */
export class ModelAttempts {
  readonly #run: RunState;
  readonly #input: ModelInput;
  readonly #inputTokens: number;
  #open: Attempt | undefined;
  #asking: Promise<BudgetAnswer> | undefined;

  constructor(run: RunState, input: ModelInput, inputTokens: number) {
    this.#run = run;
    this.#input = input;
    this.#inputTokens = inputTokens;
  }

  /** Gives how long the answer may be, and what the attempt belongs to. Rejects with `BudgetRefusal` or `Fault`. */
  async begin(model: string): ReturnType<AdmitNext> {
    const { deps, dispatch, steps, spent, stop } = this.#run;
    const { turnId, sessionId, userId } = dispatch;
    const call: ModelCall = {
      id: parseModelCallId(deps.newId()),
      turnId,
      sessionId,
      userId,
      step: steps + 1,
      model,
      usage: NO_TOKENS,
      costNanoUsd: 0,
      startedAtMs: deps.nowMs(),
      state: { kind: "reserved" },
    };
    const inputTokens = this.#inputTokens;
    const save = () => this.#run.recorder.save();
    const { signal } = stop;
    const planned = {
      dispatch,
      call,
      input: this.#input,
      inputTokens,
      turnSpend: spent,
      save,
      signal,
    };
    const asked = deps.budget.admit(planned);
    const answer = asked instanceof Promise ? await this.#whenAdmitted(asked, call) : asked;
    if (answer.kind === "refused") throw new BudgetRefusal(answer.failure);
    this.#run.limitTo(answer.time, call.startedAtMs);
    if (answer.time !== undefined && stop.isAborted) {
      this.#giveBack(call);
      throw stop.reason as Error;
    }
    this.#open = { call, firstTokenAtMs: undefined, usage: undefined, tokens: 0 };
    const { maxOutputTokens } = answer;
    return { maxOutputTokens, traceParent: deps.traceParentOf?.(turnId, call.id) };
  }

  /** Is fulfilled when no reservation is under way any more. */
  async settle(): Promise<void> {
    await this.#asking?.catch(() => undefined);
  }

  /** Takes note of what comes from the model. */
  note(event: LlmEvent): void {
    const attempt = this.#open;
    if (attempt === undefined) return;
    switch (event.kind) {
      case "text":
      case "reasoning":
        attempt.tokens += weighTokens(event.delta);
        attempt.firstTokenAtMs ??= this.#run.deps.nowMs();
        return;
      case "tool-call":
        attempt.tokens += event.input.kind === "malformed" ? weighTokens(event.input.text) : 0;
        attempt.firstTokenAtMs ??= this.#run.deps.nowMs();
        return;
      case "reasoning-ended":
        return;
      case "usage":
        attempt.usage = event.usage;
        return;
      case "attempt-failed":
        attempt.usage = event.usage;
        return this.#end({ kind: "failed", failure: event.failure }, event.model);
      case "finished":
        attempt.usage = event.usage;
        return this.#end({ kind: "answered" }, event.model);
      default:
        return event satisfies never;
    }
  }

  /** The model has stopped without saying so. */
  finish(): void {
    this.#end({ kind: "answered" });
  }

  /** What was said so far is all there will be. */
  fail(error: unknown): void {
    const attempt = this.#open;
    if (attempt === undefined) return;
    const { isAborted, reason } = this.#run.stop;
    if (isAborted && attempt.usage !== undefined) attempt.usage = this.#atLeastSaid(attempt);
    if (isAborted && reason === CANCELLED) return this.#end({ kind: "cancelled" });
    // What failed before it said anything cost nothing, unless its service says so.
    if (attempt.firstTokenAtMs === undefined && !isAborted) attempt.usage ??= NO_TOKENS;
    this.#end({ kind: "failed", failure: toFailure(isAborted ? reason : error) });
  }

  async #whenAdmitted(asked: Promise<BudgetAnswer>, call: ModelCall): Promise<BudgetAnswer> {
    const { stop } = this.#run;
    const settled = stop.settle(asked, RESERVE_GRACE_MS).catch((error: unknown) => {
      if (!stop.isAborted) throw error;
      return undefined;
    });
    this.#asking = settled.then((answer) => {
      if (answer !== undefined && !stop.isAborted) return answer;
      // What may be set aside for a call that is not made would else count for ever.
      if (answer?.kind !== "refused") this.#giveBack(call);
      throw stop.reason as Error;
    });
    return await this.#asking;
  }

  #giveBack(call: ModelCall): void {
    const endedAtMs = this.#run.deps.nowMs();
    this.#run.addModelCall({ ...call, state: { kind: "cancelled", endedAtMs } });
  }

  #end(
    state: Pick<Exclude<ModelCallState, { kind: "reserved" }>, "kind" | "failure">,
    model?: string,
  ): void {
    const attempt = this.#open;
    if (attempt === undefined) return;
    this.#open = undefined;
    const { call, firstTokenAtMs } = attempt;
    const endedAtMs = this.#run.deps.nowMs();
    const first = firstTokenAtMs === undefined ? {} : { firstTokenAtMs };
    this.#run.addModelCall({
      ...call,
      model: model ?? call.model,
      usage: attempt.usage ?? this.#estimate(attempt),
      state: { ...state, ...first, endedAtMs },
    });
  }

  /** What a service says before the end counts of the output only what was there then. */
  #atLeastSaid(attempt: Attempt): TokenUsage | undefined {
    const { usage } = attempt;
    const { outputTokens } = this.#estimate(attempt);
    if (usage === undefined || usage.outputTokens >= outputTokens) return usage;
    return { ...usage, outputTokens, isEstimated: true };
  }

  #estimate({ tokens }: Attempt): TokenUsage {
    return {
      inputTokens: this.#inputTokens,
      outputTokens: Math.ceil(tokens),
      isEstimated: true,
    };
  }
}
