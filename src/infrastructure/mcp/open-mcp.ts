import path from "node:path";
import type { Tool } from "@modelcontextprotocol/client";
import type { Logger } from "#application/ports/logger.ts";
import type { SourceCall, SourceResult, ToolSource } from "#application/ports/tool-source.ts";
import type { TraceParentOf } from "#application/ports/trace-parent.ts";
import type { RecordAudit } from "#domain/audit/audit-log.ts";
import { type BrakeRepository, stoppedBy } from "#domain/brake/brake.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import { toFailure } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { openSettings } from "../settings/settings-file.ts";
import type { MaskText, StreamMask } from "../telemetry/secret-masker.ts";
import type { McpServer } from "./mcp-server.ts";
import {
  hashEntry,
  MCP_FILE,
  type McpServerSettings,
  type McpSettings,
  mcpSettingsSchema,
} from "./mcp-settings.ts";
import { decideMcpCall, MCP_PREFIX, toMcpSkill } from "./mcp-skill.ts";
import { secretsIn } from "./plain-secrets.ts";
import { type McpTool, readTools } from "./tool-definitions.ts";
import { compareTools, type PinTools } from "./tool-pins.ts";

export interface McpOptions {
  /** Where `mcp.yaml` is, or may be one day. */
  readonly homeDir: string;
  /** What servers may be given, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Told of what stands in `mcp.yaml` itself and looks like a secret, before it is used. */
  readonly onSecrets: (values: readonly string[]) => void;
  /** Of what models and people are told of servers. */
  readonly mask: MaskText;
  /** Makes a mask for what a server complains of in the log, whatever pieces it comes in. */
  readonly createStreamMask: () => StreamMask;
  /** As the store has it at this moment: it may have been put on while a server was connected to. */
  readonly findBrake: BrakeRepository["find"];
  readonly pin: PinTools;
  readonly audit: RecordAudit;
  /** Left out where servers are told nothing of traces. */
  readonly traceParentOf?: TraceParentOf | undefined;
  readonly log: Logger;
}

/** The tools of MCP servers. Closing it ends the servers that it has started. */
export interface OpenMcp extends ToolSource, AsyncDisposable {
  /** Fulfilled when each server was tried once. */
  readonly tried: Promise<void>;
}

/**
 * Reads `mcp.yaml` and connects to the servers it names, again whenever it changes. A server that
 * cannot be reached has no tools; nothing waits for it. Throws `Fault` (`CONFIG_INVALID`) where the
 * file cannot be used.
 */
export async function openMcp(options: McpOptions): Promise<OpenMcp> {
  const { homeDir, secrets, onSecrets, mask, createStreamMask, findBrake, pin, audit, log } =
    options;
  const servers = new Map<string, OpenServer>();
  const closing = new Set<Promise<void>>();
  let isClosed = false;
  const file = await openSettings({
    path: path.join(homeDir, MCP_FILE),
    schema: mcpSettingsSchema,
    log,
    onChange: () => void take(),
  });
  // Nobody waits for a server until what speaks to it is here.
  if (listEnabled(file.current).length > 0) await loadParts();
  const tried = take();
  return {
    tried,
    listSkills: () => [...servers.values()].flatMap(({ skill }) => (skill ? [skill] : [])),
    decide({ skill, tool }) {
      const name = nameOf(skill);
      const opened = servers.get(name);
      const found = opened?.tools.find((each) => each.tool.name === tool);
      if (opened !== undefined && found !== undefined) return decideMcpCall(name, opened, found);
      const message = `There is no tool "${skill}.${tool}"`;
      return { kind: "deny", rule: `mcp.yaml: servers.${name}.approvals`, message };
    },
    invoke,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      file.close();
      for (const name of servers.keys()) drop(name);
      await Promise.all(closing);
    },
  };

  /** Servers whose entry is another one, or gone, end; new ones begin. */
  async function take(): Promise<void> {
    onSecrets(secretsIn(file.current));
    // Most name no server, and what speaks to one is large.
    const parts = listEnabled(file.current).length > 0 ? await loadParts() : undefined;
    if (isClosed) return;
    // Other settings may have come meanwhile.
    const wanted = new Map(listEnabled(file.current));
    for (const [name, { entryHash }] of servers) {
      const entry = wanted.get(name);
      if (entry === undefined || hashEntry(entry) !== entryHash) drop(name);
    }
    if (parts === undefined) return;
    const fresh = [...wanted].filter(([name]) => !servers.has(name));
    await Promise.all(fresh.map(([name, entry]) => add(name, entry, parts)));
  }

  async function add(
    name: string,
    entry: McpServerSettings,
    { McpServer, openTransport }: Parts,
  ): Promise<void> {
    const opened: OpenServer = {
      entry,
      entryHash: hashEntry(entry),
      skill: undefined,
      tools: [],
      server: new McpServer({
        name,
        openTransport: () =>
          openTransport(entry, {
            secrets,
            onStderr: (text) => tell(name, text),
            createStreamMask,
          }),
        timeoutMs: entry.timeoutMs,
        maxResultBytes: entry.maxResultKiB * 1_024,
        onTools: (tools) => takeTools(name, opened, tools),
        mask,
        log,
      }),
    };
    servers.set(name, opened);
    await opened.server.start();
  }

  function tell(name: string, text: string): void {
    log.debug({ server: name, text: text.slice(0, 2_000) }, "MCP server log");
  }

  function drop(name: string): void {
    const closed = servers.get(name)?.server.close();
    servers.delete(name);
    if (closed === undefined) return;
    closing.add(closed);
    void closed.finally(() => closing.delete(closed));
  }

  /** Shows those tools that are as they were when they were first seen. */
  async function takeTools(name: string, opened: OpenServer, offered: readonly Tool[]) {
    const { tools, leftOut } = readTools(offered, {
      believeHints: opened.entry.believeHints,
      mask,
    });
    if (leftOut.length > 0)
      log.warn({ server: name, leftOut }, "Tools of an MCP server are left out");
    try {
      const place = { server: name, accept: opened.entry.accept };
      const { same, changed } = await compareTools(pin, place, tools);
      for (const tool of changed) noteChange(name, tool, opened);
      opened.tools = same;
      opened.skill = toMcpSkill(name, opened);
    } catch (error) {
      log.error({ server: name, error }, "The tools of an MCP server cannot be compared");
    }
  }

  function noteChange(name: string, { wireName, digest }: McpTool, { entryHash }: OpenServer) {
    const tool = mask(wireName).slice(0, 80);
    log.warn({ server: name, tool }, "A tool of an MCP server has changed");
    audit({
      atMs: Date.now(),
      actor: "system",
      action: "mcp-tool.changed",
      subject: `skill:${MCP_PREFIX}${name}`,
      decision: "denied",
      policyHash: entryHash,
      detail: { tool, digest },
    });
  }

  /** Why a call that had to wait for its server is not made any more, where it is not. */
  async function refuse(
    opened: OpenServer,
    { tool, digest }: McpTool,
  ): Promise<ToolOutcome | undefined> {
    const now = opened.tools.find((each) => each.tool.name === tool.name);
    if (now?.digest !== digest) return GONE;
    const brake = await findBrake();
    return brake && { kind: "error", ...toFailure(stoppedBy(brake)) };
  }

  async function invoke(call: SourceCall, signal: AbortSignal): Promise<SourceResult> {
    const { skill, tool, input, taskId, userId, turnId } = call;
    const traceParent = turnId && options.traceParentOf?.(turnId, taskId);
    const opened = servers.get(nameOf(skill));
    const found = opened?.tools.find((each) => each.tool.name === tool);
    const startedAtMs = performance.now();
    const outcome =
      opened === undefined || found === undefined || !isObject(input)
        ? GONE
        : await opened.server.call(
            { tool: found.wireName, input, refuse: () => refuse(opened, found), traceParent },
            signal,
          );
    const wallMs = Math.round(performance.now() - startedAtMs);
    const output = outcome.kind === "ok" ? JSON.stringify(outcome.output) : outcome.message;
    const policyHash = opened?.entryHash ?? "";
    audit({
      atMs: Date.now(),
      actor: userId,
      action: "mcp-call.made",
      subject: `skill:${skill}`,
      decision: "allowed",
      policyHash,
      detail: { tool, callId: taskId, outcome: outcome.kind === "ok" ? "ok" : outcome.code },
    });
    return {
      outcome,
      usage: { wallMs, cpuMs: 0, memoryMiB: 0, outputBytes: Buffer.byteLength(output) },
      skillDigest: opened?.skill?.digest ?? "",
      policyHash,
    };
  }
}

const GONE: ToolOutcome = {
  kind: "error",
  code: "unknown-tool",
  message: "There is no such tool any more",
};

interface OpenServer {
  readonly entry: McpServerSettings;
  readonly entryHash: string;
  readonly server: McpServer;
  /** None before the server has said what it offers. */
  skill: Skill | undefined;
  tools: readonly McpTool[];
}

function listEnabled({ servers }: McpSettings): (readonly [string, McpServerSettings])[] {
  return Object.entries(servers).filter(([, { enabled }]) => enabled);
}

type Parts = Awaited<ReturnType<typeof loadParts>>;

async function loadParts() {
  const [{ McpServer }, { openTransport }] = await Promise.all([
    import("./mcp-server.ts"),
    import("./open-transport.ts"),
  ]);
  return { McpServer, openTransport };
}

function nameOf(skill: string): string {
  return skill.slice(MCP_PREFIX.length);
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
