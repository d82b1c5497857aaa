import type { Tool } from "@modelcontextprotocol/client";
import type { McpPin, McpServerReport, McpToolReport } from "#application/ports/mcp-trials.ts";
import type { SecretMasker } from "../telemetry/secret-masker.ts";
import { CONNECT_MS, closeClient, createClient, listTools } from "./mcp-client.ts";
import { hashEntry, isStdio, type McpServerSettings } from "./mcp-settings.ts";
import { decideMcpCall, MCP_PREFIX } from "./mcp-skill.ts";
import { openTransport } from "./open-transport.ts";
import { tellFailure } from "./tell-failure.ts";
import { type McpTool, readTools } from "./tool-definitions.ts";
import type { PinPlace } from "./tool-pins.ts";

export interface InspectMcpDeps {
  /** What servers may be given, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What of a server is cut is masked before. */
  readonly masker: SecretMasker;
  /** The digests of a server's tools when it was first seen; none where it never was. */
  readonly listPins: (place: PinPlace) => Promise<Readonly<Record<string, string>>>;
}

const MAX_SAID_CHARS = 10_000;

/**
 * Connects to a server, asks what it offers and leaves. What goes wrong is in the report. Remembers
 * nothing of its tools: only what the agent has seen is that.
 */
export async function inspectMcpServer(
  name: string,
  entry: McpServerSettings,
  deps: InspectMcpDeps,
): Promise<McpServerReport> {
  const startedAtMs = performance.now();
  try {
    const { tools, leftOut } = readTools(await askForTools(entry, deps), {
      believeHints: entry.believeHints,
      mask: (text) => deps.masker.mask(text),
    });
    const pins = new Map(
      Object.entries(await deps.listPins({ server: name, accept: entry.accept })),
    );
    const ms = Math.round(performance.now() - startedAtMs);
    return {
      ...describeMcpServer(name, entry),
      state: { kind: "connected", ms },
      tools: tools.map((tool) => toReport(name, { entry, tool, pins })),
      leftOut,
    };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    return { ...describeMcpServer(name, entry), state: { kind: "failed", message: error.message } };
  }
}

/** What is known of a server before it is tried. */
export function describeMcpServer(name: string, entry: McpServerSettings): McpServerReport {
  return {
    name,
    kind: isStdio(entry) ? "stdio" : "http",
    target: isStdio(entry) ? entry.command : withoutQuery(entry.url),
    isEnabled: entry.enabled,
    state: { kind: "not-tried" },
    tools: [],
    leftOut: [],
  };
}

class ConnectError extends Error {}

async function askForTools(
  entry: McpServerSettings,
  { secrets, masker }: InspectMcpDeps,
): Promise<readonly Tool[]> {
  let said = "";
  const onStderr = (text: string) => {
    said = (said + text).slice(-MAX_SAID_CHARS);
  };
  const client = createClient();
  let close = () => closeClient(client);
  try {
    const transport = openTransport(entry, {
      secrets,
      onStderr,
      createStreamMask: () => masker.createStream(),
    });
    close = async () => {
      await closeClient(client);
      await transport.close();
    };
    await client.connect(transport, { timeout: CONNECT_MS });
    return await listTools(client);
  } catch (error) {
    // What it complained of is all here only when it is gone.
    await close().catch(() => undefined);
    const mask = (text: string) => masker.mask(text);
    throw new ConnectError(tellFailure(error, entry, { said, mask }));
  } finally {
    await close().catch(() => undefined);
  }
}

function toReport(
  name: string,
  {
    entry,
    tool,
    pins,
  }: {
    readonly entry: McpServerSettings;
    readonly tool: McpTool;
    readonly pins: ReadonlyMap<string, string>;
  },
): McpToolReport {
  const { description, effects } = tool.tool;
  const decision = decideMcpCall(name, { entry, entryHash: hashEntry(entry) }, tool).kind;
  const called = `${MCP_PREFIX}${name}.${tool.tool.name}`;
  return { name: called, description, effects, decision, pin: toPin(tool, pins) };
}

function toPin({ wireName, digest }: McpTool, pins: ReadonlyMap<string, string>): McpPin {
  if (pins.size === 0) return "unseen";
  const pinned = pins.get(wireName);
  if (pinned === undefined) return "new";
  return pinned === digest ? "same" : "changed";
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
