import { type Failure, Fault, toFailure } from "#domain/shared/fault.ts";
import type { FinalTurnState } from "#domain/turn/turn.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { RunResult, TurnDispatch } from "../ports/turn-runner.ts";
import { whileStoreIsAway } from "../ports/while-store-is-away.ts";
import { askModel } from "./ask-model.ts";
import { callTools, closeCalls, makeCalls } from "./call-tools.ts";
import { assertReleased, lookAround } from "./look-around.ts";
import { BudgetRefusal } from "./model-attempts.ts";
import { findOpenCalls, INTERRUPTED, type OpenCalls, readOpenCalls } from "./open-calls.ts";
import { RunState, type RunTurnDeps, type TurnStart } from "./run-state.ts";
import { TurnClock } from "./turn-clock.ts";
import { ABANDONED, CANCELLED, TurnSignal } from "./turn-signal.ts";

/** How a run came out: the turn's end, or that it waits for people. */
type LoopEnd = FinalTurnState | { readonly kind: "paused" };

/**
 * Runs one turn to its stored end, or to where people have to be asked. A model or a skill that
 * fails ends the turn visibly; the promise rejects with bugs only. `signal` aborted with `CANCELLED`
 * ends it as cancelled, with the text that was there, aborted with what `stoppedBy` gives as failed;
 * aborted with `ABANDONED` it writes and shows nothing more. A store that is away is waited for, for
 * as long as the turn may run. What an earlier run of the turn left,
 * because it crashed or had to wait, is gone on with.
 */
export function createRunTurn(deps: RunTurnDeps) {
  const clock = new TurnClock();
  return async function runTurn(dispatch: TurnDispatch, signal: AbortSignal): Promise<RunResult> {
    const startedAtMs = deps.nowMs();
    const { turnTimeoutMs } = deps.limits;
    const late = () => {
      const took = `The turn took longer than ${turnTimeoutMs} ms`;
      return new Fault("TURN_TIMEOUT", `${took}; the limit is NEXFLOW_TURN_TIMEOUT_MS`);
    };
    const stop = new TurnSignal(signal, turnTimeoutMs - (dispatch.ranMs ?? 0), late);
    let run: RunState | undefined;
    try {
      const stored = await readStart(deps, dispatch, stop);
      run = new RunState(deps, { dispatch, startedAtMs, stop, ...stored }, signal);
      clock.add(run);
      return await runToEnd(run);
    } catch (error) {
      if (error instanceof Fault && error.code === "TURN_FENCED") return { kind: "fenced" };
      // Without the store no turn can end: it is begun anew when that is back.
      if (run === undefined && stop.isAborted && error === stop.reason) return { kind: "fenced" };
      throw error;
    } finally {
      stop.close();
      if (run !== undefined) clock.remove(run);
      run?.recorder.abandon();
    }
  };
}

/** The first run of a turn knows what it needs; a later one reads what those before it did. */
async function readStart(
  deps: RunTurnDeps,
  dispatch: TurnDispatch,
  stop: TurnSignal,
): Promise<Pick<TurnStart, "messages" | "modelCalls">> {
  const { turnId, attempt } = dispatch;
  const read = () =>
    Promise.all([
      deps.history.load(dispatch),
      attempt > 1 ? deps.spend.listModelCalls(turnId) : [],
    ]);
  const [messages, modelCalls] = await whileStoreIsAway(stop.signal, read);
  return { messages, modelCalls };
}

async function runToEnd(run: RunState): Promise<RunResult> {
  const end = await loopToEnd(run);
  const { headSeq } = run.recorder;
  if (end.kind === "paused") return { kind: "paused", headSeq };
  await run.recorder.end(end, spentEvents(run));
  const left = {
    headSeq: run.recorder.headSeq,
    messages: run.messages,
    summarised: run.summarised,
  };
  run.deps.history.keep(run.dispatch.sessionId, left);
  return { kind: "ended", headSeq: left.headSeq };
}

async function loopToEnd(run: RunState): Promise<LoopEnd> {
  try {
    return await loop(run);
  } catch (error) {
    const end = endOf(run, error);
    // No model takes a conversation in which a call has no result.
    closeCalls(
      run,
      findOpenCalls(run).map(({ toolCallId }) => toolCallId),
    );
    return end;
  }
}

async function loop(run: RunState): Promise<LoopEnd> {
  const { deps, dispatch, stop } = run;
  const { maxSteps } = deps.limits;
  const open = findOpenCalls(run);
  const earlier =
    open.length === 0 || dispatch.isCancelled ? undefined : await readOpenCalls(run, open);
  begin(run, earlier);
  if (dispatch.isCancelled) throw new Cancelled();
  if (earlier !== undefined) {
    closeCalls(run, earlier.interrupted, INTERRUPTED);
    if (earlier.unmade.length > 0) {
      // No model is asked before these, who asks the budgets otherwise.
      await stop.race(run.limitTime());
      stop.throwIfAborted();
      if ((await makeCalls(run, earlier.unmade)) === "paused") return { kind: "paused" };
    }
  }
  for (let isFirst = true; run.steps < maxSteps; isFirst = false) {
    stop.throwIfAborted();
    if (isFirst && dispatch.attempt === 1) await assertNotBraked(run);
    else await lookAround(run);
    stop.throwIfAborted();
    const answer = await askModel(run);
    if (answer.calls.length === 0) return { kind: "completed", endedAtMs: deps.nowMs() };
    if ((await callTools(run, answer)) === "paused") return { kind: "paused" };
  }
  stop.throwIfAborted();
  return failed(run, {
    code: "STEP_LIMIT",
    message: `The turn took ${maxSteps} steps and had no answer; the limit is NEXFLOW_MAX_STEPS`,
  });
}

/** Shows that the turn begins, or that it goes on after people have decided. */
function begin({ recorder, dispatch }: RunState, earlier: OpenCalls | undefined): void {
  const decisions = earlier?.decisions ?? [];
  if (decisions.length > 0) return recorder.addEvents({ kind: "turn-resumed", decisions });
  const { messageId: userMessageId, text, attempt } = dispatch;
  recorder.addEvents({ kind: "turn-started", userMessageId, text, attempt });
}

/** The first step of a turn takes this process's word for it where that is "off". */
async function assertNotBraked(run: RunState): Promise<void> {
  // That the brake was released may be on its way here.
  if (run.deps.knownBrake() !== "off") await assertReleased(run);
}

class Cancelled extends Error {}

function endOf(run: RunState, error: unknown): FinalTurnState {
  const { deps, dispatch, stop } = run;
  const endedAtMs = deps.nowMs();
  if (error instanceof Cancelled) return { kind: "cancelled", endedAtMs };
  if (stop.isAborted) {
    const { reason } = stop;
    if (reason === CANCELLED) return { kind: "cancelled", endedAtMs };
    if (reason === ABANDONED) {
      throw new Fault("TURN_FENCED", `Turn "${dispatch.turnId}" was given up`);
    }
    return failed(run, toFailure(reason));
  }
  if (error instanceof Fault && error.code === "TURN_FENCED") throw error;
  if (error instanceof BudgetRefusal) return failed(run, error.failure);
  deps.log.warn({ error }, "A turn failed");
  return failed(run, toFailure(error));
}

function failed({ deps }: RunState, failure: Failure): FinalTurnState {
  return { kind: "failed", endedAtMs: deps.nowMs(), failure };
}

/** What a turn took, where it asked a model at all. */
function spentEvents({ model, spent, deps, dispatch }: RunState): readonly TurnEvent[] {
  if (spent.steps === 0) return [];
  const named = model ?? dispatch.session?.model ?? deps.llm.name;
  return [{ kind: "turn-spent", model: named, spend: spent }];
}
