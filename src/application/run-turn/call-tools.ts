import type { Approval } from "#domain/approval/approval.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import { toFailure } from "#domain/shared/fault.ts";
import type { MessageId, ToolCallId } from "#domain/shared/id.ts";
import { endTask, failTask, NO_USAGE, type Task } from "#domain/task/task.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { EndedCall, PreparedCall, ToolCall } from "../ports/tool-runner.ts";
import type { CallFacts } from "../ports/tool-source.ts";
import { actsOutside, clearCall } from "./approve-call.ts";
import type { ModelAnswer } from "./ask-model.ts";
import type { LongCall } from "./background-calls.ts";
import { CallFailures } from "./call-failures.ts";
import { assertReleased } from "./look-around.ts";
import type { RunState } from "./run-state.ts";

/** Calls of one step; those beyond are not made. */
const CALLS_MOST = 64;
/** So long a tool may take to end by itself when its turn is stopped; its contract says 50 ms. */
const STOP_GRACE_MS = 75;

const STOPPED: ToolOutcome = {
  kind: "error",
  code: "cancelled",
  message: "The turn was stopped before this call had ended",
};

/** A call and what was answered to a question about it before. */
export interface OpenCall {
  readonly call: ToolCall;
  readonly earlier?: Approval | undefined;
}

/** How a batch came out: all calls have a result, or some wait for people. */
export type BatchResult = "done" | "paused";

/** Makes the calls that a step asks for; see `makeCalls`. */
export async function callTools(
  run: RunState,
  { messageId, calls }: ModelAnswer,
): Promise<BatchResult> {
  for (const call of calls) run.recorder.addEvents(...callEvents(call, messageId));
  return makeCalls(
    run,
    calls.map((call) => ({ call })),
  );
}

/**
 * Makes calls of one step and remembers what came of them. First those that only look, side by
 * side; then those that look outside, side by side; then the others one after the other, in the
 * model's order. Whether a person has to be asked is decided when all before have ended, with what
 * they brought. Where that is so for some, the turn is paused when all others are done. Rejects with
 * `Fault` `STOPPED` where the brake is on: the store is asked just before anything is called, and
 * before a person is asked or what they granted is used up.
 */
export function makeCalls(run: RunState, open: readonly OpenCall[]): Promise<BatchResult> {
  return new Batch(run).make(open);
}

interface Planned extends OpenCall {
  readonly plan: PreparedCall;
}

class Batch {
  readonly #run: RunState;
  readonly #failures: CallFailures;
  readonly #asked: Approval[] = [];
  readonly #fresh: Approval[] = [];
  /** Calls are made side by side, what is stored of them one after the other. */
  #saved: Promise<unknown> = Promise.resolve();

  constructor(run: RunState) {
    this.#run = run;
    this.#failures = new CallFailures(run.ownMessages());
  }

  async make(open: readonly OpenCall[]): Promise<BatchResult> {
    const planned = open.flatMap((each, index) => this.#plan(each, index));
    const looking = planned.filter(({ plan }) => onlyReads(plan) && !actsOutside(plan));
    const lookingOutside = planned.filter(({ plan }) => onlyReads(plan) && actsOutside(plan));
    await this.#makeTogether(looking);
    await this.#makeTogether(lookingOutside);
    for (const each of planned.filter(({ plan }) => !onlyReads(plan))) await this.#makeAlone(each);
    if (this.#asked.length === 0) return "done";
    this.#run.stop.throwIfAborted();
    await this.#run.recorder.pause(this.#asked, this.#fresh);
    return "paused";
  }

  /** A call that cannot be made has its result at once. */
  #plan(open: OpenCall, index: number): readonly Planned[] {
    const { tools } = this.#run.deps;
    const { turnId, sessionId, userId } = this.#run.dispatch;
    const refused = index < CALLS_MOST ? this.#failures.refuse(open.call) : tooMany();
    const plan = refused ?? tools.prepare({ turnId, sessionId, userId }, open.call);
    if (plan.kind === "prepared") return [{ ...open, plan }];
    this.#answer(open.call, plan);
    return [];
  }

  async #makeTogether(planned: readonly Planned[]): Promise<void> {
    if (planned.length === 0 || this.#run.stop.isAborted) return;
    const cleared: Planned[] = [];
    for (const each of planned) if (await this.#isCleared(each)) cleared.push(each);
    if (cleared.length > 0) await assertReleased(this.#run);
    const results = await Promise.all(
      cleared.map(async ({ call, plan }) => {
        const outcome = await this.#invoke(plan, call.name);
        this.#failures.note(call, outcome);
        return this.#run.showResult(call.toolCallId, outcome);
      }),
    );
    for (const result of results) this.#run.addResult(result);
  }

  async #makeAlone(planned: Planned): Promise<void> {
    const { recorder, stop } = this.#run;
    const { call, plan } = planned;
    if (stop.isAborted || !(await this.#isCleared(planned))) return;
    // What changes something is on record before it is done, so that it is never done twice.
    recorder.addTask(plan.task);
    await recorder.save();
    try {
      // Those before it may have taken long.
      await assertReleased(this.#run);
    } catch (error) {
      this.#answer(call, this.#unmade(plan));
      throw error;
    }
    this.#answer(call, await this.#invoke(plan, call.name));
  }

  async #isCleared({ call, plan, earlier }: Planned): Promise<boolean> {
    const clearance = await clearCall(this.#run, plan, { call, earlier });
    switch (clearance.kind) {
      case "cleared":
        return true;
      case "refused":
        this.#answer(call, clearance.outcome);
        return false;
      case "asked":
        this.#asked.push(clearance.approval);
        if (clearance.isNew) this.#fresh.push(clearance.approval);
        return false;
      default:
        return clearance satisfies never;
    }
  }

  async #invoke(plan: PreparedCall, name: string): Promise<ToolOutcome> {
    const { task } = plan;
    const { deps, recorder, stop } = this.#run;
    const work = deps.tools.invoke(task, stop.signal);
    const stored = Promise.withResolvers<void>();
    try {
      const waited = this.#waitFor({ task, work, stored: stored.promise });
      const ended = (await stop.settle(waited, STOP_GRACE_MS)) ?? leftAlone(task, deps.nowMs());
      if (ended !== "late") return this.#note(plan, name, ended);
    } catch (error) {
      deps.log.error({ taskId: task.id, error }, "A skill could not be run");
      const failure = toFailure(error);
      recorder.addTask(failTask(task, failure, deps.nowMs()));
      return { kind: "error", ...failure };
    }
    const saving = this.#saved.then(() => this.#leave(plan, name));
    this.#saved = saving.catch(() => undefined);
    saving.then(stored.resolve, stored.reject);
    await saving;
    return goesOn(task);
  }

  /** Waits for a call for as long as a turn does, or longer where the session has too many. */
  async #waitFor(call: LongCall): Promise<EndedCall | "late"> {
    const { deps, stop } = this.#run;
    const first = await deps.background.race(call.work);
    if (first !== "late" || (!stop.isAborted && deps.background.adopt(call))) return first;
    return call.work;
  }

  #note({ decision: { facts } }: PreparedCall, name: string, ended: EndedCall): ToolOutcome {
    const { untrusted } = ended;
    this.#run.recorder.addTask(ended.task);
    this.#run.addTaint({ ...taintOf(facts, name), ...(untrusted !== undefined && { untrusted }) });
    return ended.outcome;
  }

  /** Has it on record that a task goes on without its turn, with what it may bring. */
  async #leave({ task, decision }: PreparedCall, name: string): Promise<void> {
    const { recorder } = this.#run;
    recorder.addTask(task);
    this.#run.addTaint(taintOf(decision.facts, name));
    await recorder.save([task.id]);
  }

  /** The turn was stopped between the record of a call and the call. */
  #unmade({ task }: PreparedCall): ToolOutcome {
    const ended = leftAlone(task, this.#run.deps.nowMs());
    this.#run.recorder.addTask(ended.task);
    return ended.outcome;
  }

  #answer(call: ToolCall, outcome: ToolOutcome): void {
    this.#failures.note(call, outcome);
    this.#run.addResult(this.#run.showResult(call.toolCallId, outcome));
  }
}

/** Gives calls a result that have none and will not be made. */
export function closeCalls(
  run: RunState,
  toolCallIds: readonly ToolCallId[],
  outcome: ToolOutcome = STOPPED,
): void {
  for (const toolCallId of toolCallIds) run.addResult(run.showResult(toolCallId, outcome));
}

function onlyReads({ tool }: PreparedCall): boolean {
  return tool.effects.every((effect) => effect === "read");
}

/** How a call ended whose turn was stopped. */
function leftAlone(task: Task, endedAtMs: number): EndedCall {
  const { code, message } = STOPPED as ToolOutcome & { kind: "error" };
  const failure = { code, message };
  const state = { kind: "cancelled", endedAtMs, failure, usage: NO_USAGE } as const;
  return { outcome: STOPPED, task: endTask(task, state) };
}

function taintOf({ bringsUntrusted, holdsPrivate }: CallFacts, name: string): SessionTaint {
  return {
    ...(bringsUntrusted && { untrusted: `tool ${name}` }),
    ...(holdsPrivate && { private: `tool ${name}` }),
  };
}

/** What a model is told of a call that is not waited for any more. */
function goesOn({ id: taskId }: Task): ToolOutcome {
  const note =
    "The call takes long and goes on in the background. Its result comes by itself, as a message " +
    "of this conversation: do not make the call again and do not wait for it";
  return { kind: "ok", output: { status: "running", taskId, note } };
}

function tooMany(): ToolOutcome & { readonly kind: "error" } {
  const message = `One step makes at most ${CALLS_MOST} calls: this one was not made`;
  return { kind: "error", code: "too-many-calls", message };
}

function callEvents({ toolCallId, name, input }: ToolCall, messageId: MessageId): TurnEvent[] {
  const inputJson = input.kind === "json" ? JSON.stringify(input.value) : input.text;
  return [
    { kind: "tool-call-started", toolCallId, messageId, name },
    { kind: "tool-call-input", toolCallId, inputJson },
    { kind: "tool-call-ended", toolCallId },
  ];
}
