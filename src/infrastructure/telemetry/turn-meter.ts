import type { TurnDispatch } from "#application/ports/turn-runner.ts";
import type { TurnId } from "#domain/shared/id.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import { isFinalTask, type Task } from "#domain/task/task.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { SaveTurn, TurnLog } from "#domain/turn/turn-log.ts";
import type { Tally } from "./tally.ts";

export interface TurnMeterDeps {
  readonly tally: Tally;
  readonly listSkills: () => readonly Skill[];
  readonly nowMs: () => number;
}

const NANO = 1e9;

/** Measures the turns of one thread by what they show and store. */
export class TurnMeter {
  readonly #deps: TurnMeterDeps;
  /** When those that run and have said nothing yet were accepted. */
  readonly #silent = new Map<TurnId, number>();

  constructor(deps: TurnMeterDeps) {
    this.#deps = deps;
  }

  /** The same log, whose stored writes count. */
  watch(turns: Pick<TurnLog, "save">): Pick<TurnLog, "save"> {
    return {
      save: async (input) => {
        await turns.save(input);
        this.#noteSaved(input);
      },
    };
  }

  begun({ turnId, acceptedAtMs }: TurnDispatch): void {
    this.#silent.set(turnId, acceptedAtMs);
  }

  shown({ turnId }: TurnDispatch, events: readonly { readonly event: TurnEvent }[]): void {
    const acceptedAtMs = this.#silent.get(turnId);
    if (acceptedAtMs === undefined || !events.some(isText)) return;
    this.#silent.delete(turnId);
    this.#observeSince("nexflow_turn_first_token_seconds", acceptedAtMs);
  }

  /** Its run is over, and the turn too unless it waits. */
  ended({ turnId, acceptedAtMs }: TurnDispatch, isOver: boolean): void {
    this.#silent.delete(turnId);
    if (isOver) this.#observeSince("nexflow_turn_seconds", acceptedAtMs);
  }

  #observeSince(
    name: "nexflow_turn_first_token_seconds" | "nexflow_turn_seconds",
    sinceMs: number,
  ): void {
    const { tally, nowMs } = this.#deps;
    tally.observe(name, Math.max(0, nowMs() - sinceMs) / 1_000);
  }

  #noteSaved({ end, pause, modelCalls = [], tasks, approvals = [], events }: SaveTurn): void {
    const { tally } = this.#deps;
    if (end !== undefined) tally.count("nexflow_turns_total", 1, end.kind);
    if (end?.kind === "failed") tally.count("nexflow_turn_failures_total", 1, end.failure.code);
    if (pause !== undefined) tally.count("nexflow_turn_pauses_total", 1);
    for (const call of modelCalls) this.#noteModelCall(call);
    for (const task of tasks) this.noteTask(task);
    tally.count("nexflow_approvals_requested_total", approvals.length);
    for (const { event } of events) {
      if (event.kind !== "turn-resumed") continue;
      for (const { decision } of event.decisions) {
        tally.count("nexflow_approvals_decided_total", 1, decision);
      }
    }
  }

  #noteModelCall({ model, state, usage, costNanoUsd, startedAtMs }: ModelCall): void {
    if (state.kind === "reserved") return;
    const { tally } = this.#deps;
    tally.count("nexflow_model_calls_total", 1, model, state.kind);
    if (state.kind === "answered") tally.count("nexflow_steps_total", 1);
    if (state.kind === "failed") {
      tally.count("nexflow_model_failures_total", 1, model, state.failure?.code ?? "unknown");
    }
    const seconds = Math.max(0, state.endedAtMs - startedAtMs) / 1_000;
    tally.observe("nexflow_model_call_seconds", seconds, model);
    tally.count("nexflow_tokens_total", usage.inputTokens, model, "input");
    tally.count("nexflow_tokens_total", usage.outputTokens, model, "output");
    tally.count("nexflow_tokens_total", usage.cachedInputTokens ?? 0, model, "cached-input");
    tally.count("nexflow_tokens_total", usage.cacheWriteTokens ?? 0, model, "cache-write");
    tally.count("nexflow_tokens_total", usage.reasoningTokens ?? 0, model, "reasoning");
    tally.count("nexflow_cost_usd_total", costNanoUsd / NANO, model);
  }

  /** Takes note of a task that has been stored, where it has ended. */
  noteTask({ skill: name, tool: toolName, state }: Task): void {
    if (!isFinalTask(state)) return;
    const { tally, listSkills } = this.#deps;
    const skill = listSkills().find((each) => each.name === name);
    const effects = skill?.tools.find((each) => each.name === toolName)?.effects ?? [];
    const effect = (["external", "write"] as const).find((each) => effects.includes(each));
    const label = skill?.name ?? "unknown";
    const outcome = state.kind === "completed" ? "ok" : state.kind;
    tally.count("nexflow_tool_calls_total", 1, label, outcome, effect ?? "read");
    tally.observe("nexflow_tool_call_seconds", state.usage.wallMs / 1_000, label);
  }
}

function isText({ event }: { readonly event: TurnEvent }): boolean {
  return event.kind === "text-delta";
}
