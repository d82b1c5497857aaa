import { Fault } from "#domain/shared/fault.ts";
import { isDeeperThan } from "#domain/shared/json.ts";
import { countInput, estimateTokens } from "#domain/spend/estimate-tokens.ts";
import type { AskAside } from "../ports/build-context.ts";
import type { LlmEvent, LlmRequest } from "../ports/llm.ts";
import { defuseText } from "./defuse-text.ts";
import { ModelAttempts } from "./model-attempts.ts";
import type { RunState } from "./run-state.ts";

const MAX_INPUT_LEVELS = 100;

export interface AskedAnswer {
  readonly request: LlmRequest;
  /** About how many tokens the model is to read. */
  readonly inputTokens: number;
}

/**
 * Has a model answer, and gives what it says to `take`, in order. Every attempt is admitted by the
 * budget and on record when it has ended. Rejects at once when the run has to stop, whether or not
 * the model heeds the signal.
 */
export async function runAttempts(
  run: RunState,
  { request, inputTokens }: AskedAnswer,
  take: (event: LlmEvent) => void,
): Promise<void> {
  const { deps, stop } = run;
  const attempts = new ModelAttempts(run, request, inputTokens);
  const admitNext = async (model: string) => {
    const begun = await attempts.begin(model);
    const { maxOutputTokens: most = Number.POSITIVE_INFINITY, traceParent } = begun;
    const least = Math.min(most, request.maxOutputTokens ?? Number.POSITIVE_INFINITY);
    const trace = traceParent === undefined ? {} : { traceParent };
    return Number.isFinite(least) ? { maxOutputTokens: least, ...trace } : trace;
  };
  const bounds = await admitNext(request.model ?? deps.llm.name);
  const asked = { ...request, admitNext, ...bounds };
  const events = deps.llm.stream(asked, stop.signal)[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const next = await stop.race(events.next());
      if (next.done === true) break;
      const event = withoutDeepInput(next.value);
      attempts.note(event);
      countAnswer(run, event);
      take(event);
    }
    isDone = true;
    stop.throwIfAborted();
    attempts.finish();
  } catch (error) {
    // A model that fails over may be about to ask for the next attempt.
    await attempts.settle();
    attempts.fail(error);
    throw error;
  } finally {
    // A model that does not heed its signal is not waited for.
    if (!isDone) void events.return?.()?.catch(() => undefined);
  }
}

/** Asks a model beside the conversation; see `AskAside`. */
export function createAskAside(run: RunState): AskAside {
  return async (request) => {
    let text = "";
    let model = request.model ?? run.deps.llm.name;
    const inputTokens = countInput(request, estimateTokens);
    await runAttempts(run, { request, inputTokens }, (event) => {
      if (event.kind === "text") text += event.delta;
      else if (event.kind === "attempt-failed") text = "";
      else if (event.kind === "finished") model = event.model ?? model;
    });
    return { text: run.taint.untrusted === undefined ? text : defuseText(text), model };
  };
}

/** Input that no code of ours could write down again counts as malformed. */
function withoutDeepInput(event: LlmEvent): LlmEvent {
  if (event.kind !== "tool-call" || event.input.kind === "malformed") return event;
  if (!isDeeperThan(event.input.value, MAX_INPUT_LEVELS)) return event;
  const text = `(more than ${MAX_INPUT_LEVELS} levels of arrays and objects)`;
  return { ...event, input: { kind: "malformed", text } };
}

function countAnswer(run: RunState, event: LlmEvent): void {
  const chars = charsOf(event);
  if (chars === 0 || run.countAnswer(chars) >= 0) return;
  const { maxAnswerChars } = run.deps.limits;
  throw new Fault("LLM_BAD_ANSWER", `The answer is longer than ${maxAnswerChars} characters`);
}

function charsOf(event: LlmEvent): number {
  if (event.kind === "text" || event.kind === "reasoning") return event.delta.length;
  if (event.kind !== "tool-call") return 0;
  const { input } = event;
  return input.kind === "json" ? JSON.stringify(input.value).length : input.text.length;
}
