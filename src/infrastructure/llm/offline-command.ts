import type { JsonValue } from "#domain/shared/json.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import type { Skill, SkillTool, ToolExample } from "#domain/skill/skill.ts";
import { toolNameOf } from "#domain/skill/tool-name.ts";
import { compilePhrase, foldText, matchPhrase, type Phrase } from "./phrase.ts";

/** What the rules make of a message: a call of a tool, or something to say. */
export type Reading =
  | { readonly kind: "call"; readonly name: string; readonly input: JsonValue }
  | { readonly kind: "say"; readonly text: string };

/** Reads a person's message: a command, a phrase from a skill's examples, or neither. */
export function interpret(text: string, skills: readonly Skill[]): Reading {
  const trimmed = text.trim();
  if (trimmed.startsWith("/")) return readCommand(trimmed.slice(1), skills);
  return readPhrase(trimmed, skills) ?? say(introduction(skills));
}

function readCommand(command: string, skills: readonly Skill[]): Reading {
  const [word = ""] = command.split(/\s/u, 1);
  const rest = command.slice(word.length).trim();
  const dot = word.indexOf(".");
  const skillName = dot < 0 ? word : word.slice(0, dot);
  if (skillName.toLowerCase() === "help") return say(help(skills));
  const skill = skills.find(({ name }) => name === skillName.toLowerCase());
  if (!skill) return say(unknownSkill(skillName, skills));
  const toolName = dot < 0 ? skill.tools[0]?.name : word.slice(dot + 1).toLowerCase();
  const tool = skill.tools.find(({ name }) => name === toolName);
  if (!tool) return say(unknownTool(toolName ?? "", skill));
  return readInput(rest, skill, tool);
}

function readInput(text: string, skill: Skill, tool: SkillTool): Reading {
  const name = toolNameOf(skill.name, tool.name);
  const object = text === "" && !needsInput(tool) ? {} : parseObject(text);
  if (object !== undefined) return { kind: "call", name, input: object };
  if (tool.textInput !== undefined && text !== "") {
    return { kind: "call", name, input: { [tool.textInput]: text } };
  }
  const form = tool.textInput === undefined ? "a JSON object" : `"${tool.textInput}" as text`;
  return say(`The tool ${name} takes ${form}. For example: \`${exampleCommand(skill, tool)}\``);
}

function readPhrase(text: string, skills: readonly Skill[]): Reading | undefined {
  const folded = foldText(text);
  let best: { reading: Reading; literalChars: number } | undefined;
  for (const { phrase, name, input } of skills.flatMap(rulesOf)) {
    if (best && phrase.literalChars <= best.literalChars) continue;
    const captures = matchPhrase(phrase, folded);
    if (!captures) continue;
    const reading: Reading = { kind: "call", name, input: fill(input, captures) };
    best = { reading, literalChars: phrase.literalChars };
  }
  return best?.reading;
}

interface Rule {
  readonly phrase: Phrase;
  readonly name: string;
  readonly input: JsonValue;
}

const rulesOf = oncePer((skill: Skill): readonly Rule[] =>
  skill.tools.flatMap((tool) =>
    tool.examples.map(({ text, input }) => {
      return { phrase: compilePhrase(text), name: toolNameOf(skill.name, tool.name), input };
    }),
  ),
);

function fill(input: JsonValue, captures: ReadonlyMap<string, string>): JsonValue {
  if (typeof input !== "object" || input === null || isArray(input)) return input;
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      const captured = value === `{${name}}` ? captures.get(name) : undefined;
      return [name, captured ?? value];
    }),
  );
}

function parseObject(text: string): JsonValue | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function needsInput({ inputSchema }: SkillTool): boolean {
  if (typeof inputSchema !== "object" || inputSchema === null || isArray(inputSchema)) return false;
  const { required } = inputSchema;
  return isArray(required) && required.length > 0;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function say(text: string): Reading {
  return { kind: "say", text };
}

function introduction(skills: readonly Skill[]): string {
  const examples = skills.flatMap(examplePhrases).slice(0, 3);
  return [
    "I am Nexflow's built-in rule set, not a language model, and I have no rule for this message.",
    ...(examples.length === 0 ? [] : [`What I do understand, for example:\n\n${list(examples)}`]),
    "Write `/help` for all skills. For real conversation, configure a model: set NEXFLOW_MODEL " +
      "(for example `openai/gpt-5-mini`) and OPENAI_API_KEY, then start Nexflow again.",
  ].join("\n\n");
}

/** One line to write for each skill: a phrase it understands, else a command. */
function examplePhrases(skill: Skill): string[] {
  const example = pickExample(skill.tools.flatMap((tool) => tool.examples));
  const [tool] = skill.tools;
  if (example !== undefined) return [`\`${withGaps(example.text)}\``];
  return tool ? [`\`${exampleCommand(skill, tool)}\``] : [];
}

/** The first example without gaps, which can be sent as it stands; else the first. */
function pickExample(examples: readonly ToolExample[]): ToolExample | undefined {
  return examples.find(({ text }) => withGaps(text) === text) ?? examples[0];
}

function help(skills: readonly Skill[]): string {
  if (skills.length === 0) return "No skills are installed.";
  const lines = skills.map(({ name, description, tools }) => {
    const commands = tools.map((tool) => `\`/${name}.${tool.name}\``).join(", ");
    return `**${name}**: ${description} (${commands})`;
  });
  return `Call a skill with \`/<skill> <text>\` or \`/<skill>.<tool> <text or JSON>\`:\n\n${list(lines)}`;
}

function unknownSkill(name: string, skills: readonly Skill[]): string {
  if (skills.length === 0) return `There is no skill "${name}": no skills are installed.`;
  const names = skills.map((skill) => `\`/${skill.name}\``).join(", ");
  return `There is no skill "${name}". Try one of ${names}, or \`/help\`.`;
}

function unknownTool(name: string, skill: Skill): string {
  const names = skill.tools.map((tool) => `\`/${skill.name}.${tool.name}\``).join(", ");
  return `The skill ${skill.name} has no tool "${name}". Try one of ${names}.`;
}

/** A command that calls `tool`, made from one of its examples. */
function exampleCommand(skill: Skill, tool: SkillTool): string {
  const command = `/${skill.name}.${tool.name}`;
  const input = pickExample(tool.examples)?.input ?? {};
  if (tool.textInput === undefined) return `${command} ${withGaps(JSON.stringify(input))}`;
  const text = Object.entries(input).find(([name]) => name === tool.textInput)?.[1];
  const isGap = typeof text !== "string" || withGaps(text) !== text;
  return `${command} ${isGap ? `<${tool.textInput}>` : text}`;
}

/** A template for people to read: dots where something goes. */
function withGaps(template: string): string {
  return template.replaceAll(/\{[A-Za-z_]\w*\}/gu, "…");
}

function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}
