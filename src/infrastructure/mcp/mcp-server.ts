import type { Client, Tool, Transport } from "@modelcontextprotocol/client";
import type { Logger } from "#application/ports/logger.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { MaskText } from "../telemetry/secret-masker.ts";
import { underTrace } from "./call-trace.ts";
import { CONNECT_MS, closeClient, createClient, listTools } from "./mcp-client.ts";
import { toMcpOutcome } from "./to-mcp-outcome.ts";

export interface McpServerOptions {
  readonly name: string;
  readonly openTransport: () => Transport;
  readonly timeoutMs: number;
  readonly maxResultBytes: number;
  /** Told what the server offers, at first and whenever that may have changed. */
  readonly onTools: (tools: readonly Tool[]) => Promise<void>;
  readonly mask: MaskText;
  readonly log: Logger;
}

export interface McpCall {
  /** As the server calls it. */
  readonly tool: string;
  readonly input: { readonly [name: string]: JsonValue };
  /**
   * Asked where the call had to wait for a connection: what was found before it was begun may be
   * otherwise by now. What it gives is the outcome, and nothing is called.
   */
  readonly refuse: () => Promise<ToolOutcome | undefined>;
  /** See `TraceParentOf`. */
  readonly traceParent?: string | undefined;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** A server that stood so long is tried again at once. */
const STEADY_MS = 60_000;
const LIST_EVERY_MS = 1_000;

type Mode = "connecting" | "connected" | "pausing" | "closed";

/** One MCP server: connected to, listened to, and connected to again where it goes away. */
export class McpServer {
  readonly #options: McpServerOptions;
  #mode: Mode = "pausing";
  #client: Client | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #listTimer: NodeJS.Timeout | undefined;
  /** Settled when the attempt that is under way is over. */
  #attempt: Promise<void> = Promise.resolve();

  constructor(options: McpServerOptions) {
    this.#options = options;
  }

  /** Begins to connect; fulfilled when the first attempt is over, however it came out. */
  start(): Promise<void> {
    if (this.#mode === "pausing") this.#attempt = this.#connect();
    return this.#attempt;
  }

  /** Makes a call. What goes wrong is an outcome. Ends at once where `signal` is aborted. */
  async call(
    { tool, input, refuse, traceParent }: McpCall,
    signal: AbortSignal,
  ): Promise<ToolOutcome> {
    const { name, timeoutMs, maxResultBytes: maxBytes, mask } = this.#options;
    if (this.#mode !== "connected") {
      const refused = await firstOf(this.start().then(refuse), signal);
      if (refused !== undefined) return refused;
    }
    if (signal.aborted) return CANCELLED;
    const client = this.#mode === "connected" ? this.#client : undefined;
    if (client === undefined) {
      return failed("unavailable", `The MCP server "${name}" cannot be reached at the moment`);
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    const ends = AbortSignal.any([signal, timeout]);
    const options = { signal: ends, timeout: timeoutMs + 1_000 };
    const asked = { name: tool, arguments: input };
    const called = underTrace(traceParent, () => client.callTool(asked, options))
      .then((result) => toMcpOutcome(result, { maxBytes, mask }))
      .catch((error: unknown) => this.#toOutcome(error, client));
    const outcome = await firstOf(called, ends);
    if (signal.aborted) return CANCELLED;
    if (timeout.aborted || outcome === undefined) {
      return failed("wall-time", `The tool did not answer within ${timeoutMs} ms`);
    }
    return outcome;
  }

  async close(): Promise<void> {
    this.#mode = "closed";
    clearTimeout(this.#timer);
    clearTimeout(this.#listTimer);
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await closeClient(client);
    await this.#attempt.catch(() => undefined);
  }

  async #connect(): Promise<void> {
    const { name, openTransport, log } = this.#options;
    this.#mode = "connecting";
    const client = createClient();
    const startedAtMs = performance.now();
    client.onerror = (error) => log.debug({ server: name, error }, "An MCP server is at fault");
    client.onclose = () => this.#lose(client, startedAtMs);
    client.setNotificationHandler("notifications/tools/list_changed", () => this.#listSoon(client));
    this.#client = client;
    let transport: Transport | undefined;
    try {
      transport = openTransport();
      await client.connect(transport, { timeout: CONNECT_MS });
      const tools = await listTools(client);
      if (this.#client !== client) return;
      await this.#options.onTools(tools);
      if (this.#client !== client) return;
      this.#mode = "connected";
      log.info({ server: name, tools: tools.length }, "An MCP server is connected");
    } catch (error) {
      log.warn({ server: name, error }, "An MCP server cannot be connected");
      await closeClient(client);
      await transport?.close().catch(() => undefined);
      this.#lose(client, startedAtMs);
    }
  }

  /** The client is of no use any more: another one is tried after a while. */
  #lose(client: Client, startedAtMs: number): void {
    if (this.#client !== client || this.#mode === "closed") return;
    this.#client = undefined;
    this.#mode = "pausing";
    const wasSteady = performance.now() - startedAtMs > STEADY_MS;
    this.#pauseMs = wasSteady ? FIRST_PAUSE_MS : Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.start(), this.#pauseMs).unref();
  }

  /** However often a server says that its tools are others, it is asked once a second. */
  #listSoon(client: Client): void {
    if (this.#listTimer !== undefined || this.#client !== client) return;
    this.#listTimer = setTimeout(() => {
      this.#listTimer = undefined;
      if (this.#client !== client) return;
      void this.#listAgain(client);
    }, LIST_EVERY_MS).unref();
  }

  async #listAgain(client: Client): Promise<void> {
    const { name, onTools, log } = this.#options;
    try {
      const tools = await listTools(client);
      if (this.#client === client) await onTools(tools);
    } catch (error) {
      log.warn({ server: name, error }, "The tools of an MCP server cannot be listed");
    }
  }

  #toOutcome(error: unknown, client: Client): ToolOutcome {
    const { name, mask, log } = this.#options;
    log.debug({ server: name, error }, "A call of an MCP tool failed");
    if (this.#client !== client) {
      return failed("crashed", `The MCP server "${name}" went away during the call`);
    }
    const said = error instanceof Error ? mask(error.message).slice(0, 500) : "it did not say why";
    return failed("tool-error", `The MCP server "${name}" refused the call: ${said}`);
  }
}

const CANCELLED: ToolOutcome = {
  kind: "error",
  code: "cancelled",
  message: "The call was cancelled",
};

function failed(code: string, message: string): ToolOutcome {
  return { kind: "error", code, message };
}

/** What `work` comes to, or nothing where `signal` is aborted before. */
async function firstOf<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
