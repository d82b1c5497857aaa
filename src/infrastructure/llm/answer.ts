import type { LlmEvent, LlmStopReason, ToolCallInput } from "#application/ports/llm.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { ModelLimits } from "./model-limits.ts";
import { newToolCallId } from "./tool-call-id.ts";
import { fromWireName } from "./tool-names.ts";

/** Puts an answer together from the events of its stream; one implementation for each API. */
export interface Answer {
  /**
   * Takes in the data of one event and gives what it brings. Throws `Fault`, `ServiceComplaint`, or
   * `SyntaxError` for data that is none.
   */
  add(data: string): readonly LlmEvent[];
  /**
   * How the model says it ended; "stop" will do where it also made calls. Once it has said so,
   * nothing is lost but counts if the stream breaks.
   */
  readonly ending: LlmStopReason | undefined;
  /** Nothing follows that matters. */
  readonly isDone: boolean;
  /** What the service counted, as far as it said. */
  readonly usage: TokenUsage | undefined;
  /** What is left to say of a finished answer, up to its `finished`, without it. */
  end(): readonly LlmEvent[];
}

/** Counts what a model says against what it may say. */
export class AnswerMeter {
  readonly #name: string;
  readonly #limits: Pick<ModelLimits, "maxAnswerChars" | "maxToolInputChars">;
  chars = 0;

  constructor(name: string, limits: Pick<ModelLimits, "maxAnswerChars" | "maxToolInputChars">) {
    this.#name = name;
    this.#limits = limits;
  }

  /** Throws `Fault` past the limit. */
  count(chars: number): void {
    this.chars += chars;
    const { maxAnswerChars } = this.#limits;
    if (this.chars <= maxAnswerChars) return;
    const message = `The answer of model "${this.#name}" is too long: expected at most ${maxAnswerChars} characters`;
    throw new Fault("LLM_BAD_ANSWER", message);
  }

  /** Adds a piece of a call's arguments, which costs something even where it is empty. */
  addInput(call: ToolCallDraft, piece: string): void {
    this.count(piece.length + 1);
    call.json += piece;
    const { maxToolInputChars } = this.#limits;
    if (call.json.length <= maxToolInputChars) return;
    const message = `A tool call of model "${this.#name}" is too long: expected at most ${maxToolInputChars} characters`;
    throw new Fault("LLM_BAD_ANSWER", message);
  }
}

/** A call whose arguments are still being written. */
export interface ToolCallDraft {
  name: string;
  json: string;
}

export function toToolCall({ name, json }: ToolCallDraft, skills: readonly Skill[]): LlmEvent {
  return {
    kind: "tool-call",
    toolCallId: newToolCallId(),
    name: fromWireName(name, skills),
    input: toInput(json),
  };
}

/** Models write nothing at all for a call without arguments. */
function toInput(json: string): ToolCallInput {
  if (json.trim() === "") return { kind: "json", value: {} };
  try {
    return { kind: "json", value: JSON.parse(json) as JsonValue };
  } catch {
    return { kind: "malformed", text: json };
  }
}

/** The object that an event's data is. Throws `SyntaxError`. */
export function parseEvent<T extends object>(data: string): T {
  const value: unknown = JSON.parse(data);
  if (typeof value === "object" && value !== null) return value as T;
  throw new SyntaxError("Cannot read an event: expected an object");
}

/** What a service should have sent as text. */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
