import path from "node:path";
import type { CallFacts, ToolDecision } from "#application/ports/tool-source.ts";
import type { Skill, ToolEffect } from "#domain/skill/skill.ts";
import { sha256 } from "../ids/ids.ts";
import { isStdio, type McpServerSettings } from "./mcp-settings.ts";
import type { McpTool } from "./tool-definitions.ts";

/** What the names of skills begin with that are MCP servers. */
export const MCP_PREFIX = "mcp-";
const MINUTE_MS = 60_000;
const EFFECT_VERBS: Readonly<Record<ToolEffect, string>> = {
  read: "read",
  write: "change what is kept",
  external: "act on the outside",
};
const STRICTNESS = { allow: 0, ask: 1, deny: 2 } as const;

/** A server's entry in `mcp.yaml`, and its hash. */
interface Entry {
  readonly entry: McpServerSettings;
  readonly entryHash: string;
}

/** What the skill is called that a server's tools make. */
export function nameMcpSkill(name: string): Pick<Skill, "name" | "version" | "description"> {
  const description = `Tools of the MCP server "${name}"`;
  return { name: MCP_PREFIX + name, version: "1.0.0", description };
}

/** The skill that a server's tools make. */
export function toMcpSkill(
  name: string,
  { entry, entryHash, tools }: Entry & { readonly tools: readonly McpTool[] },
): Skill {
  const digests = tools.map(({ digest }) => digest).toSorted();
  const digest = sha256([entryHash, ...digests].join(" "));
  return {
    ...nameMcpSkill(name),
    digest: `sha256:${digest}`,
    tools: tools.map(({ tool }) => tool),
    isDescribedByStranger: !entry.believeDescriptions,
  };
}

/** What `mcp.yaml` says of a call. A stranger's word on what a tool does makes it no safer. */
export function decideMcpCall(
  name: string,
  { entry, entryHash: policyHash }: Entry,
  { wireName, tool }: McpTool,
): ToolDecision {
  const place = `mcp.yaml: servers.${name}.approvals`;
  const called = `${MCP_PREFIX}${name}.${tool.name}`;
  const { approvals } = entry;
  const own = new Map(Object.entries(approvals.tools));
  const named = own.get(wireName);
  const [strictest = "external"] = tool.effects.toSorted(
    (one, other) => STRICTNESS[approvals[other]] - STRICTNESS[approvals[one]],
  );
  const decision = named ?? approvals[strictest];
  const rule = named === undefined ? `${place}.${strictest}` : `${place}.tools.${wireName}`;
  if (decision === "deny") {
    return { kind: "deny", rule, policyHash, message: `The settings deny "${called}"` };
  }
  const facts: CallFacts = {
    rule,
    policyHash,
    reaches: [reachOf(name, entry)],
    actsOutside: true,
    bringsUntrusted: true,
    // What it is not given it may still have: files, a database, a token of its own.
    holdsPrivate: approvals.results.private,
  };
  if (decision === "allow") return { kind: "allow", facts };
  const reason =
    named === undefined
      ? `The settings ask before calls of "${MCP_PREFIX}${name}" that ${EFFECT_VERBS[strictest]}`
      : `The settings ask before each call of "${called}"`;
  return { kind: "ask", facts, reason, expiresInMs: approvals.expiresMinutes * MINUTE_MS };
}

function reachOf(name: string, entry: McpServerSettings): string {
  if (!isStdio(entry)) return `${new URL(entry.url).origin} (MCP server "${name}")`;
  return `whatever the program "${path.basename(entry.command)}" reaches (MCP server "${name}")`;
}
