import type { HttpResponse, TemplatedApp, HttpRequest as UwsRequest } from "uWebSockets.js";
import { STATUS_CODES } from "node:http";
import type { Logger } from "#application/ports/logger.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import type { HttpReply } from "./http-reply.ts";
import { problem } from "./problem.ts";
import { refusalOf } from "./replies.ts";

const HEADERS = ["host", "origin", "cookie", "authorization", "if-none-match"] as const;

/** A request as it came; `method` and the headers' names in lower case, absent headers empty. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<(typeof HEADERS)[number], string>>;
  readonly address: string;
  readonly body: string;
}

export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types nexflow dompurify svelte-trusted-html",
].join("; ");

const SECURITY_HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

const TOO_LARGE: HttpReply = {
  ...problem({
    code: "too-large",
    message: `Cannot read the body: expected at most ${MAX_FRAME_BYTES} bytes`,
  }),
  closesConnection: true,
};

/** Answers every request by `handle`; what it throws is logged and shows as a failure of ours. */
export function serveHttp(app: TemplatedApp, handle: HttpHandler, log: Logger): void {
  app.any("/*", (response, request) => {
    let isGone = false;
    response.onAborted(() => {
      isGone = true;
    });
    const head = readHead(response, request);
    const respond = async (body: string) => {
      const reply = await answer(handle, { ...head, body }, log);
      if (!isGone) writeReply(response, reply, head.method === "head");
    };
    if (head.method !== "post") void respond("");
    else readBody(response, (body) => void respond(body));
  });
}

/** Writes `reply`; the response must be open and is ended. */
export function writeReply(response: HttpResponse, reply: HttpReply, isHead = false): void {
  const { status, headers = {}, body = "", closesConnection } = reply;
  response.cork(() => {
    response.writeStatus(`${status} ${STATUS_CODES[status] ?? ""}`);
    for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...headers })) {
      response.writeHeader(name, value);
    }
    // An `undefined` given as length would be written as one of 2^63.
    if (status === 204 || status === 304) response.endWithoutBody();
    else if (isHead) response.endWithoutBody(Buffer.byteLength(body));
    else response.end(body, closesConnection);
  });
}

/** What a request says before its body; uWebSockets.js forgets it when its handler returns. */
export function readHead(response: HttpResponse, request: UwsRequest): Omit<HttpRequest, "body"> {
  const header = (name: (typeof HEADERS)[number]) => request.getHeader(name);
  return {
    method: request.getMethod(),
    path: request.getUrl(),
    query: request.getQuery(),
    headers: {
      host: header("host"),
      origin: header("origin"),
      cookie: header("cookie"),
      authorization: header("authorization"),
      "if-none-match": header("if-none-match"),
    },
    address: Buffer.from(response.getRemoteAddressAsText()).toString(),
  };
}

/** Hands over the body once it is whole; answers itself where it is too long. */
function readBody(response: HttpResponse, onBody: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.onData((chunk, isLast) => {
    if (bytes > MAX_FRAME_BYTES) return;
    bytes += chunk.byteLength;
    if (bytes > MAX_FRAME_BYTES) return writeReply(response, TOO_LARGE);
    // A copy: the chunk's memory is taken back when this call returns.
    chunks.push(Buffer.copyBytesFrom(new Uint8Array(chunk)));
    if (isLast) onBody(Buffer.concat(chunks).toString());
  });
}

async function answer(handle: HttpHandler, request: HttpRequest, log: Logger): Promise<HttpReply> {
  try {
    return await handle(request);
  } catch (error) {
    const { method, path } = request;
    log.error({ error, method, path }, "A request could not be answered");
    return problem(refusalOf(error));
  }
}
