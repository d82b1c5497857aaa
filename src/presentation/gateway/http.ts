import type { HttpResponse, TemplatedApp, HttpRequest as UwsRequest } from "uWebSockets.js";
import { STATUS_CODES } from "node:http";
import type { Logger } from "#application/ports/logger.ts";
import { BodyRoom } from "./body-room.ts";
import type { ClientAddresses } from "./client-address.ts";
import { MAX_FRAME_BYTES } from "./frames.ts";
import type { HttpReply, StreamReply } from "./http-reply.ts";
import { problem } from "./problem.ts";
import { overloaded, refusalOf } from "./replies.ts";

const HEADERS = [
  "authorization",
  "cookie",
  "host",
  "idempotency-key",
  "if-none-match",
  "last-event-id",
  "origin",
  "prefer",
] as const;
const FORWARDED_FOR = "x-forwarded-for";
const WITH_BODY = new Set(["post", "patch", "put"]);

/** A request as it came; `method` and the headers' names in lower case, absent headers empty. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<(typeof HEADERS)[number], string>>;
  /** Who holds the connection, or whom a proxy of ours says it speaks for. */
  readonly address: string;
  readonly body: string;
  /** Aborted where the client goes away before it has its answer. */
  readonly gone: AbortSignal;
}

type Reply = HttpReply | StreamReply;

export type HttpHandler = (request: HttpRequest) => Reply | Promise<Reply>;

export interface ServeHttpOptions {
  readonly handle: HttpHandler;
  /** How long the body of a request to this path may be, in bytes. */
  readonly maxBodyBytes: (path: string) => number;
  /** Gives what turns a request to this path away the form that its clients read. */
  readonly shape: (path: string, reply: Reply) => Reply;
  readonly addresses: ClientAddresses;
  readonly log: Logger;
}

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

/** Bodies longer than a frame share so much memory. */
const LONG_BODY_ROOM_BYTES = 67_108_864;
const ROOM_RETRY_MS = 1_000;

/** Answers every request by `handle`; what it throws is logged and shows as a failure of ours. */
export function serveHttp(app: TemplatedApp, options: ServeHttpOptions): void {
  const { handle, maxBodyBytes, shape, addresses, log } = options;
  const room = new BodyRoom(LONG_BODY_ROOM_BYTES);
  app.any("/*", (response, request) => {
    const gone = new AbortController();
    response.onAborted(() => gone.abort());
    const head = readHead(response, request, addresses);
    const respond = async (body: string) => {
      const request = { ...head, body, gone: gone.signal };
      const reply = shape(head.path, await answer(handle, request, log));
      const isHead = head.method === "head";
      if ("stream" in reply && (isHead || gone.signal.aborted)) reply.dropped();
      if (gone.signal.aborted) return;
      if (!("stream" in reply) || isHead) return writeReply(response, reply, isHead);
      response.cork(() => writeHead(response, reply));
      const stream = reply.stream(response);
      gone.signal.addEventListener("abort", () => stream.closed());
    };
    if (!WITH_BODY.has(head.method)) void respond("");
    else {
      readBody(response, {
        maxBytes: maxBodyBytes(head.path),
        room,
        gone: gone.signal,
        onBody: (body) => void respond(body),
        onRefused: (reply) => {
          const shaped = shape(head.path, { ...reply, closesConnection: true });
          writeReply(response, shaped);
        },
      });
    }
  });
}

/** Writes `reply`; the response must be open and is ended. */
export function writeReply(response: HttpResponse, reply: Reply, isHead = false): void {
  const { status, body, closesConnection }: HttpReply = { ...reply };
  response.cork(() => {
    writeHead(response, reply);
    // An `undefined` given as length would be written as one of 2^63.
    if (status === 204 || status === 304) response.endWithoutBody();
    else if (isHead) response.endWithoutBody(Buffer.byteLength(body ?? ""));
    else response.end(body, closesConnection);
  });
}

function writeHead(response: HttpResponse, { status, headers = {} }: Reply): void {
  response.writeStatus(`${status} ${STATUS_CODES[status] ?? ""}`);
  for (const [name, value] of Object.entries({ ...SECURITY_HEADERS, ...headers })) {
    response.writeHeader(name, value);
  }
}

/** What a request says before its body; uWebSockets.js forgets it when its handler returns. */
export function readHead(
  response: HttpResponse,
  request: UwsRequest,
  addresses: ClientAddresses,
): Omit<HttpRequest, "body" | "gone"> {
  const headers = Object.fromEntries(
    HEADERS.map((name) => [name, request.getHeader(name)]),
  ) as HttpRequest["headers"];
  const peer = Buffer.from(response.getRemoteAddressAsText()).toString();
  return {
    method: request.getMethod(),
    path: request.getUrl(),
    query: request.getQuery(),
    headers,
    address: addresses.find(peer, readForwardedFor(request)),
  };
}

/**
 * All lines of the header, in order: a proxy may add one of its own below that of the client, and
 * `getHeader` gives the first.
 */
function readForwardedFor(request: UwsRequest): string {
  if (request.getHeader(FORWARDED_FOR) === "") return "";
  const lines: string[] = [];
  request.forEach((name, value) => {
    if (name === FORWARDED_FOR) lines.push(value);
  });
  return lines.join(",");
}

interface ReadBody {
  readonly maxBytes: number;
  readonly room: BodyRoom;
  readonly gone: AbortSignal;
  readonly onBody: (body: string) => void;
  readonly onRefused: (reply: HttpReply) => void;
}

/** Hands over the body once it is whole, or says why it is not read to its end. */
function readBody(response: HttpResponse, options: ReadBody): void {
  const { maxBytes, room, gone, onBody, onRefused } = options;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let taken = 0;
  let isRefused = false;
  const leave = () => {
    room.leave(taken);
    taken = 0;
  };
  const refuse = (reply: HttpReply) => {
    isRefused = true;
    chunks.length = 0;
    leave();
    onRefused(reply);
  };
  gone.addEventListener("abort", leave);
  response.onData((chunk, isLast) => {
    if (isRefused) return;
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return refuse(tooLarge(maxBytes));
    const more = Math.max(bytes - MAX_FRAME_BYTES, 0) - taken;
    if (!room.enter(more)) return refuse(problem(overloaded(ROOM_RETRY_MS)));
    taken += more;
    // A copy: the chunk's memory is taken back when this call returns.
    chunks.push(Buffer.copyBytesFrom(new Uint8Array(chunk)));
    if (!isLast) return;
    leave();
    onBody(Buffer.concat(chunks).toString());
  });
}

function tooLarge(maxBytes: number): HttpReply {
  const message = `Cannot read the body: expected at most ${maxBytes} bytes`;
  return problem({ code: "too-large", message });
}

async function answer(handle: HttpHandler, request: HttpRequest, log: Logger): Promise<Reply> {
  try {
    return await handle(request);
  } catch (error) {
    const { method, path } = request;
    log.error({ error, method, path }, "A request could not be answered");
    return problem(refusalOf(error));
  }
}
