import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Call {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string };
}

/** An MCP server that is spoken to over Streamable HTTP, and what it was sent. */
export class McpHttpServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly authorizations: (string | undefined)[] = [];
  /** Those that were begun and not ended. */
  readonly sessions = new Set<string>();
  /** What it does where it is told to end a session; else it ends it. */
  onEnd: ((response: ServerResponse) => void) | undefined;
  /** The `traceparent` of each request, by its method. */
  readonly traceParents: (readonly [method: string, traceParent: string | undefined])[] = [];
  /** How often it was told to end a session. */
  ended = 0;
  /** It takes requests and answers none. */
  isSilent = false;
  /** The tools that were called. */
  readonly called: string[] = [];

  static async open(): Promise<McpHttpServer> {
    const server = new McpHttpServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #end(request: IncomingMessage, response: ServerResponse): void {
    this.ended += 1;
    if (this.onEnd !== undefined) return this.onEnd(response);
    const isKnown = this.sessions.delete(String(request.headers["mcp-session-id"]));
    response.writeHead(isKnown ? 200 : 404).end();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "DELETE") return this.#end(request, response);
    if (request.method !== "POST") return void response.writeHead(405).end();
    this.authorizations.push(request.headers.authorization);
    if (this.isSilent) return;
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const { id, method, params } = JSON.parse(body) as Call;
    const { traceparent } = request.headers;
    this.traceParents.push([method, traceparent === undefined ? undefined : String(traceparent)]);
    if (id === undefined) return void response.writeHead(202).end();
    const say = (result: object) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result }));
    };
    if (method === "initialize") {
      const serverInfo = { name: "web", version: "1" };
      const session = `session-${this.authorizations.length}`;
      this.sessions.add(session);
      response.setHeader("mcp-session-id", session);
      return say({ protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo });
    }
    if (method === "tools/list") {
      const names = ["run", "long", "stream", "elsewhere"];
      return say({ tools: names.map((name) => ({ name, inputSchema: { type: "object" } })) });
    }
    this.called.push(params?.name ?? "");
    if (params?.name === "elsewhere") {
      return void response.writeHead(307, { location: "http://127.0.0.2:1/mcp" }).end();
    }
    if (params?.name === "run") return say({ content: [{ type: "text", text: "ran" }] });
    const type = params?.name === "stream" ? "text/event-stream" : "application/json";
    response.writeHead(200, { "content-type": type });
    const flood = () => {
      while (!response.destroyed && response.write("y".repeat(65_536)));
    };
    response.on("drain", flood);
    flood();
  }
}
