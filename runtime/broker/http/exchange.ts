import { Client } from "undici";
import { ACCEPTED_ENCODINGS, decodeBody, tooLarge } from "./decode-body.ts";
import type { HttpHeaders } from "./guest-headers.ts";
import type { HttpMethod } from "./http-ask.ts";
import type { HttpTarget } from "./http-target.ts";
import { createPinnedConnector } from "./pinned-connector.ts";

/** One request as it goes over the wire, secrets included. */
export interface HttpExchange {
  readonly target: HttpTarget;
  readonly addresses: readonly string[];
  readonly method: HttpMethod;
  readonly headers: HttpHeaders;
  /** With its question mark, or empty: instead of the target's. */
  readonly query: string;
  readonly body: Buffer;
  readonly maxResponseBytes: number;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** Decoded. */
  readonly body: Buffer;
}

const MAX_HEAD_BYTES = 16_384;

/**
 * Makes one request, follows nothing. The connection is its own and ends with it, so that nothing
 * of one user's is ever another's. Rejects with `HttpRefusal`, or with what went wrong outside.
 */
export async function exchange(request: HttpExchange): Promise<HttpResponse> {
  const { target, method, body, signal, maxResponseBytes } = request;
  const client = new Client(target.origin, {
    connect: createPinnedConnector(request),
    allowH2: false,
    maxHeaderSize: MAX_HEAD_BYTES,
    // The request has one deadline for everything.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const reply = await client.request({
      path: target.path + request.query,
      method,
      headers: {
        "user-agent": "nexflow",
        ...request.headers,
        "accept-encoding": ACCEPTED_ENCODINGS,
      },
      body: body.length === 0 ? null : body,
      responseHeaders: "raw",
      reset: true,
      signal,
    });
    const headers = toHeaders(reply.headers as unknown as RawHeaders);
    const bytes = await readAll(reply.body, maxResponseBytes);
    const { "content-encoding": encoding, "content-length": _length, ...rest } = headers;
    if (method === "HEAD" || encoding === undefined) {
      return { status: reply.statusCode, headers, body: bytes };
    }
    // The guest gets the content itself: what was said of its packing is no longer true.
    const content = await decodeBody(bytes, encoding, maxResponseBytes);
    return { status: reply.statusCode, headers: rest, body: content };
  } finally {
    client.destroy().catch(() => undefined);
  }
}

/** Names and values by turns. */
type RawHeaders = readonly (string | Buffer)[];

/** Cookies are not kept between requests, so guests get none; the rest is about the connection. */
const WITHHELD = new Set([
  "set-cookie",
  "set-cookie2",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "__proto__",
]);

/** The headers with lower-case names; repeated ones joined, as HTTP has it. */
function toHeaders(raw: RawHeaders): HttpHeaders {
  const headers = new Map<string, string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = String(raw[index]).toLowerCase();
    const value = String(raw[index + 1]);
    if (WITHHELD.has(name)) continue;
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return Object.fromEntries(headers);
}

async function readAll(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
