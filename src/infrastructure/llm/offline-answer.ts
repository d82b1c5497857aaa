import type { LlmRequest } from "#application/ports/llm.ts";
import type {
  Message,
  MessagePart,
  ToolCallPart,
  ToolOutcome,
  ToolResultPart,
} from "#domain/message/message.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { findTool } from "#domain/skill/tool-name.ts";
import { parseTemplate } from "../../../skills-registry/template.ts";

const MAX_RENDERED_CHARS = 4_000;

/** States in words what the tool calls at the end of the conversation came to. */
export function answerFrom({ messages, skills }: LlmRequest): string {
  const lastOther = messages.findLastIndex((message) => message.role !== "tool");
  const results = messages.slice(lastOther + 1).flatMap(resultsOf);
  const calls = new Map(messages.slice(lastOther, lastOther + 1).flatMap(callsOf));
  return results
    .map(({ toolCallId, outcome }) => sentence(outcome, calls.get(toolCallId), skills))
    .join("\n\n");
}

function resultsOf(message: Message): ToolResultPart[] {
  return message.parts.filter((part) => part.kind === "tool-result");
}

function callsOf(message: Message): [string, ToolCallPart][] {
  return message.parts.filter(isCall).map((part) => [part.toolCallId, part]);
}

function isCall(part: MessagePart): part is ToolCallPart {
  return part.kind === "tool-call";
}

function sentence(
  outcome: ToolOutcome,
  call: ToolCallPart | undefined,
  skills: readonly Skill[],
): string {
  const name = call?.name ?? "The tool";
  if (outcome.kind === "error")
    return `${name} ended with an error (${outcome.code}): ${outcome.message}`;
  const template = call && findTool(call.name, skills)?.tool.answer;
  const stated = template && fillTemplate(template, [outcome.output, call.input]);
  return stated ?? `${name}: ${render(outcome.output)}`;
}

/** `undefined` where a hole has no value in any of `sources`. */
function fillTemplate(template: string, sources: readonly JsonValue[]): string | undefined {
  const pieces: string[] = [];
  for (const part of parseTemplate(template)) {
    if (part.kind === "literal") {
      pieces.push(part.text);
      continue;
    }
    const value = sources.map((source) => lookUp(source, part.path)).find((v) => v !== undefined);
    if (value === undefined) return undefined;
    pieces.push(render(value));
  }
  return pieces.join("");
}

function lookUp(source: JsonValue, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = source;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Readonly<Record<string, JsonValue>>)[name];
  }
  return value;
}

/** Compact text; what markdown would take for its own is shown as code. */
function render(value: JsonValue): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const cut = text.length > MAX_RENDERED_CHARS ? `${text.slice(0, MAX_RENDERED_CHARS)}…` : text;
  if (cut.includes("\n")) return `\n\n${fence(cut, 3, "\n")}\n`;
  if (typeof value !== "object" && !MARKDOWN.test(cut)) return cut;
  return fence(cut, 1, cut.startsWith("`") || cut.endsWith("`") ? " " : "");
}

const MARKDOWN = /[`<[\]\\|]|[*_~][^*_~]*[*_~]/u;

/** Between backticks that are longer than any run of them in `text`. */
function fence(text: string, least: number, padding: string): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/gu), ([run]) => run.length));
  const ticks = "`".repeat(Math.max(least, longest + 1));
  return `${ticks}${padding}${text}${padding}${ticks}`;
}
