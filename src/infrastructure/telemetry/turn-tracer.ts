import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { TurnDispatch } from "#application/ports/turn-runner.ts";
import type { Failure } from "#domain/shared/fault.ts";
import type { ModelCallId, TaskId, TurnId } from "#domain/shared/id.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import { isFinalTask, type Task } from "#domain/task/task.ts";
import type { SaveTurn, TurnLog } from "#domain/turn/turn-log.ts";

export interface TurnTracerDeps {
  readonly tracer: Tracer;
  readonly mask: (text: string) => string;
  /** What is begun next belongs to the trace of this turn. */
  readonly useTraceOf: (turnId: TurnId) => void;
  /** The span that is begun next is that of this part of a turn. */
  readonly useSpanOf: (partId: ModelCallId | TaskId) => void;
  /** Sends what waits. */
  readonly flush: () => void;
}

interface Traced {
  readonly span: Span;
  readonly context: Context;
  /** What models answered, and when: the tools that are called next belong to it. */
  readonly answers: { readonly endedAtMs: number; readonly context: Context }[];
}

/**
 * Tells a turn as spans: the turn, in it its model calls, in those the tools that they asked for.
 * Names, ids, numbers and codes only: nothing of what was said.
 */
export class TurnTracer {
  readonly #deps: TurnTracerDeps;
  readonly #turns = new Map<TurnId, Traced>();

  constructor(deps: TurnTracerDeps) {
    this.#deps = deps;
  }

  /** The same log, whose stored writes are told. */
  watch(turns: Pick<TurnLog, "save">): Pick<TurnLog, "save"> {
    return {
      save: async (input) => {
        await turns.save(input);
        this.#noteSaved(input);
      },
    };
  }

  begun({ turnId, sessionId, userId, attempt, acceptedAtMs }: TurnDispatch): void {
    const { tracer, useTraceOf } = this.#deps;
    useTraceOf(turnId);
    const attributes = {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "nexflow",
      "gen_ai.conversation.id": sessionId,
      "nexflow.turn.id": turnId,
      "nexflow.turn.attempt": attempt,
      "nexflow.user.id": userId,
    };
    // What waited for its turn or for people is told by later attempts' own beginnings.
    const startTime = attempt === 1 ? acceptedAtMs : Date.now();
    const options = { kind: SpanKind.INTERNAL, startTime, attributes, root: true };
    const span = tracer.startSpan("invoke_agent nexflow", options, ROOT_CONTEXT);
    const context = trace.setSpan(ROOT_CONTEXT, span);
    this.#turns.set(turnId, { span, context, answers: [] });
  }

  /** Its run is over. */
  ended({ turnId }: TurnDispatch): void {
    this.#turns.get(turnId)?.span.end();
    this.#turns.delete(turnId);
    if (this.#turns.size === 0) this.#deps.flush();
  }

  #noteSaved({ turnId, modelCalls = [], tasks, pause, end }: SaveTurn): void {
    const turn = this.#turns.get(turnId);
    if (turn === undefined) return;
    for (const call of modelCalls) this.#noteModelCall(turn, call);
    for (const task of tasks) this.#noteTask(turn, task);
    if (pause !== undefined) turn.span.setAttribute("nexflow.turn.state", "waiting");
    if (end === undefined) return;
    turn.span.setAttribute("nexflow.turn.state", end.kind);
    if (end.kind === "failed") this.#setFailed(turn.span, end.failure);
  }

  #noteModelCall(turn: Traced, { id, model, state, ...call }: ModelCall): void {
    if (state.kind === "reserved") return;
    const [provider = ""] = model.split("/", 1);
    const { usage } = call;
    const first = state.firstTokenAtMs;
    this.#deps.useSpanOf(id);
    const span = this.#begin(`chat ${model}`, turn.context, {
      kind: SpanKind.CLIENT,
      startTime: call.startedAtMs,
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": provider,
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model.slice(provider.length + 1),
        "gen_ai.usage.input_tokens": usage.inputTokens,
        "gen_ai.usage.output_tokens": usage.outputTokens,
        "nexflow.model_call.id": id,
        "nexflow.step": call.step,
        "nexflow.state": state.kind,
        "nexflow.cost_nano_usd": call.costNanoUsd,
        ...(first === undefined ? {} : { "nexflow.first_token_ms": first - call.startedAtMs }),
      },
    });
    if (state.failure !== undefined) this.#setFailed(span, state.failure);
    span.end(state.endedAtMs);
    if (state.kind !== "answered") return;
    turn.answers.push({ endedAtMs: state.endedAtMs, context: trace.setSpan(turn.context, span) });
  }

  #noteTask(turn: Traced, { id, origin, skill, tool, policyHash, state, createdAtMs }: Task): void {
    if (!isFinalTask(state)) return;
    const name = `${skill}.${tool}`;
    // A step that changed nothing is stored along with those that follow it.
    const asked = turn.answers.findLast(({ endedAtMs }) => endedAtMs <= createdAtMs);
    this.#deps.useSpanOf(id);
    const span = this.#begin(`execute_tool ${name}`, asked?.context ?? turn.context, {
      kind: SpanKind.INTERNAL,
      startTime: Math.max(createdAtMs, state.endedAtMs - state.usage.wallMs),
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        ...(origin.kind === "turn" ? { "gen_ai.tool.call.id": origin.toolCallId } : {}),
        "nexflow.task.id": id,
        "nexflow.policy.hash": policyHash,
        "nexflow.state": state.kind,
      },
    });
    if ("failure" in state) this.#setFailed(span, state.failure);
    span.end(state.endedAtMs);
  }

  #begin(
    name: string,
    context: Context,
    options: {
      readonly kind: SpanKind;
      readonly startTime: number;
      readonly attributes: Attributes;
    },
  ): Span {
    const { tracer, mask } = this.#deps;
    const attributes = Object.entries(options.attributes).map(([key, value]) => [
      key,
      typeof value === "string" ? mask(value) : value,
    ]);
    const masked = { ...options, attributes: Object.fromEntries(attributes) as Attributes };
    return tracer.startSpan(mask(name), masked, context);
  }

  /** The code alone: messages may quote what was said. */
  #setFailed(span: Span, { code }: Failure): void {
    span.setAttribute("error.type", code);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
}
