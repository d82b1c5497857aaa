import type { Tool } from "@modelcontextprotocol/client";
import { canonicalJson } from "#domain/shared/canonical-json.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { dropUnseen } from "#domain/shared/unseen.ts";
import type { SkillTool } from "#domain/skill/skill.ts";
import { sha256 } from "../ids/ids.ts";
import type { MaskText } from "../telemetry/secret-masker.ts";

/** A tool of an MCP server, as it is called there and as it is shown here. */
export interface McpTool {
  /** What the server calls it. */
  readonly wireName: string;
  /** sha256 in hex of all that the server says of it. */
  readonly digest: string;
  readonly tool: SkillTool;
}

export interface ReadTools {
  readonly tools: readonly McpTool[];
  /** What cannot be used, and why. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

export interface ReadToolsOptions {
  /** Believe the server where it says that a tool only reads. */
  readonly believeHints: boolean;
  readonly mask: MaskText;
}

const MAX_TOOLS = 128;
const MAX_NAME_CHARS = 48;
const MAX_DESCRIPTION_CHARS = 1_024;
const MAX_SCHEMA_CHARS = 16_384;
const MAX_SCHEMA_DEPTH = 24;

/**
 * The tools that a server offers, as models and people may be shown them. What the server says of
 * them is a stranger's: names are made plain, texts masked and cut, and what is too large is left out.
 */
export function readTools(offered: readonly Tool[], options: ReadToolsOptions): ReadTools {
  const leftOut: { name: string; reason: string }[] = [];
  const tools: McpTool[] = [];
  const { mask } = options;
  const names = countNames(offered, mask);
  for (const each of offered) {
    const reason = findFlaw(each, tools);
    const name = mask(dropUnseen(String(each.name))).slice(0, 80);
    if (reason !== undefined) leftOut.push({ name, reason });
    else tools.push(toMcpTool(each, { ...options, names }));
    // Nobody reads on where somebody offers a million.
    if (leftOut.length >= MAX_TOOLS) break;
  }
  return { tools, leftOut };
}

function findFlaw(tool: Tool, tools: readonly McpTool[]): string | undefined {
  if (tools.length >= MAX_TOOLS) return `expected at most ${MAX_TOOLS} tools`;
  if (tool.name === "" || tool.name.length > 256) return "expected a name of 1 to 256 characters";
  if (tools.some(({ wireName }) => wireName === tool.name)) return "expected each name once";
  for (const schema of [tool.inputSchema, tool.outputSchema]) {
    if (depthOf(schema) > MAX_SCHEMA_DEPTH) {
      return `expected a schema of at most ${MAX_SCHEMA_DEPTH} levels`;
    }
    if (JSON.stringify(schema ?? {}).length > MAX_SCHEMA_CHARS) {
      return `expected a schema of at most ${MAX_SCHEMA_CHARS} characters`;
    }
  }
  return undefined;
}

function toMcpTool(
  { name: wireName, title, description, inputSchema, outputSchema, annotations }: Tool,
  { names, believeHints, mask }: ReadToolsOptions & { readonly names: ReadonlyMap<string, number> },
): McpTool {
  const said = toJson({ wireName, title, description, inputSchema, outputSchema, annotations });
  const plainName = toPlainName(mask(wireName));
  const isOnly = names.get(plainName) === 1;
  const name = isOnly ? plainName : `${plainName}_${sha256(wireName).slice(0, 8)}`;
  const shown = mask(dropUnseen(description ?? title ?? wireName));
  const isRead = believeHints && annotations?.readOnlyHint === true;
  return {
    wireName,
    digest: sha256(canonicalJson(said)),
    tool: {
      name,
      description: shown.slice(0, MAX_DESCRIPTION_CHARS),
      inputSchema: plainJson(toJson(inputSchema)),
      ...(outputSchema === undefined ? {} : { outputSchema: plainJson(toJson(outputSchema)) }),
      effects: [isRead ? "read" : "external"],
      examples: [],
    },
  };
}

/** How many tools would go by each plain name. */
function countNames(offered: readonly Tool[], mask: MaskText): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of offered) {
    const plainName = toPlainName(mask(name));
    counts.set(plainName, (counts.get(plainName) ?? 0) + 1);
  }
  return counts;
}

function toPlainName(wireName: string): string {
  const name = wireName.replace(/[^A-Za-z0-9_-]+/gu, "_").slice(0, MAX_NAME_CHARS);
  return /^[A-Za-z0-9]/u.test(name) ? name : `tool${name}`.slice(0, MAX_NAME_CHARS);
}

/** The same value, whose texts hold nothing that is not seen. */
function plainJson(value: JsonValue): JsonValue {
  if (typeof value === "string") return dropUnseen(value);
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) return value.map(plainJson);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [dropUnseen(name), plainJson(member)]),
  );
}

function depthOf(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null || depth > MAX_SCHEMA_DEPTH) return depth;
  return Math.max(depth, ...Object.values(value).map((each) => depthOf(each, depth + 1)));
}

function toJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value ?? null)) as JsonValue;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
