import type { JsonValue } from "../../runtime/index.ts";
import { parseTemplate } from "../template.ts";
import { type FormatFault, quote } from "./skill-format-error.ts";
import type { ManifestExample, ManifestTool } from "./tool-schema.ts";

type ToolFault = Omit<FormatFault, "file">;
type JsonObject = Readonly<Record<string, JsonValue>>;

/**
 * Checks what a tool says about itself beyond its form: that examples, free text and answer name
 * properties its schemas have. Runs no pattern of the schemas: those are the sandbox's business.
 */
export function checkTool(tool: ManifestTool, index: number): readonly ToolFault[] {
  const at = `tools[${index}]`;
  return [
    ...tool.examples.flatMap((example, i) => checkExample(example, tool, `${at}.examples[${i}]`)),
    ...checkTextInput(tool, `${at}.textInput`),
    ...checkAnswer(tool, `${at}.answer`),
  ];
}

function checkExample(
  example: ManifestExample,
  { input }: ManifestTool,
  at: string,
): readonly ToolFault[] {
  const holes = holesOf(example.text);
  if (holes === undefined) return [badBraces(`${at}.text`, example.text)];
  return [
    ...checkText(example.text, `${at}.text`),
    ...[...new Set(holes)].flatMap((hole) => checkHole(hole, example, `${at}.text`)),
    ...missingInputs(example.input, input, `${at}.input`),
    ...Object.entries(example.input).flatMap(([name, value]) =>
      checkInput({ name, value, holes, input, path: `${at}.input.${name}` }),
    ),
  ];
}

/** A text must be told from others, and each hole must have an end. */
function checkText(text: string, path: string): readonly ToolFault[] {
  const bare = text.replaceAll(/\{[^}]*\}/gu, "");
  const expected = !/[\p{L}\p{N}]/u.test(bare)
    ? "some words besides the placeholders"
    : /\}\s*\{/u.test(text)
      ? "some words between two placeholders"
      : undefined;
  return expected === undefined ? [] : [{ path, found: quote(text), expected }];
}

function checkHole(hole: string, { text, input }: ManifestExample, path: string): ToolFault[] {
  if (text.split(`{${hole}}`).length > 2) {
    return [{ path, found: `"{${hole}}" twice`, expected: "each placeholder once" }];
  }
  if (input[hole] === `{${hole}}`) return [];
  const expected = `"${hole}": "{${hole}}" in the example's input`;
  return [{ path, found: `"{${hole}}"`, expected }];
}

function missingInputs(given: JsonObject, schema: JsonObject, at: string): readonly ToolFault[] {
  return requiredOf(schema)
    .filter((name) => !Object.hasOwn(given, name))
    .map((name) => ({ path: `${at}.${name}`, found: "nothing", expected: "a value" }));
}

interface ExampleInput {
  readonly name: string;
  readonly value: JsonValue;
  readonly holes: readonly string[];
  readonly input: JsonObject;
  readonly path: string;
}

function checkInput({ name, value, holes, input, path }: ExampleInput): readonly ToolFault[] {
  const properties = propertiesOf(input);
  const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (property === undefined) {
    return [{ path, found: quote(name), expected: `one of ${namesOf(properties)}` }];
  }
  if (!isPlaceholder(value)) return [];
  if (value !== `{${name}}` || !holes.includes(name)) {
    const expected = `"{${name}}", and the same in the example's text`;
    return [{ path, found: quote(value), expected }];
  }
  if (typeOf(property) === "string") return [];
  const expected = 'a property of type "string" for a placeholder';
  return [{ path, found: `type ${quote(typeOf(property))}`, expected }];
}

function checkTextInput({ textInput, input }: ManifestTool, path: string): readonly ToolFault[] {
  if (textInput === undefined) return [];
  const found = quote(textInput);
  if (typeOf(propertiesOf(input)[textInput]) !== "string") {
    return [{ path, found, expected: 'an input property of type "string"' }];
  }
  const others = requiredOf(input).filter((name) => name !== textInput);
  if (others.length === 0) return [];
  return [{ path, found, expected: `no other required input, but ${quote(others)}` }];
}

function checkAnswer({ answer, input, output }: ManifestTool, path: string): readonly ToolFault[] {
  if (answer === undefined) return [];
  const holes = holesOf(answer);
  if (holes === undefined) return [badBraces(path, answer)];
  if (output === undefined) return [];
  return holes
    .filter((hole) => !hasPath(output, hole.split(".")) && !hasPath(input, hole.split(".")))
    .map((hole) => ({
      path,
      found: `"{${hole}}"`,
      expected: `one of ${namesOf({ ...propertiesOf(output), ...propertiesOf(input) })}`,
    }));
}

function badBraces(path: string, text: string): ToolFault {
  return { path, found: quote(text), expected: 'braces as "{name}" only' };
}

function holesOf(template: string): readonly string[] | undefined {
  try {
    const parts = parseTemplate(template);
    return parts.flatMap((part) => (part.kind === "hole" ? [part.path.join(".")] : []));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isPlaceholder(value: JsonValue): value is string {
  return typeof value === "string" && /^\{[^{}]*\}$/u.test(value);
}

function hasPath(schema: JsonObject, [head, ...rest]: readonly string[]): boolean {
  if (head === undefined) return true;
  const properties = propertiesOf(schema);
  const property = Object.hasOwn(properties, head) ? properties[head] : undefined;
  return isObject(property) && hasPath(property, rest);
}

function propertiesOf(schema: JsonObject): JsonObject {
  const { properties } = schema;
  return isObject(properties) ? properties : {};
}

function requiredOf({ required }: JsonObject): readonly string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}

function typeOf(property: JsonValue | undefined): JsonValue | undefined {
  return isObject(property) ? property["type"] : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function namesOf(properties: JsonObject): string {
  return Object.keys(properties).map(quote).join(", ");
}
