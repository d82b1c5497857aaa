import { STATUS_CODES } from "node:http";
import type { HttpReply } from "./http-reply.ts";
import type { ErrorCode, Refusal } from "./replies.ts";

const STATUS: Readonly<Record<HttpErrorCode, number>> = {
  "bad-frame": 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  "method-not-allowed": 405,
  conflict: 409,
  "too-large": 413,
  misdirected: 421,
  "rate-limited": 429,
  internal: 500,
  overloaded: 503,
  storage_unavailable: 503,
};

/** Nobody follows anything by HTTP. */
type HttpErrorCode = Exclude<ErrorCode, "unsubscribed">;

/** A refusal as RFC 9457 problem details. */
export function problem(
  { code, message, retryAfterMs }: Refusal<HttpErrorCode>,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  const status = STATUS[code];
  const body = {
    type: "about:blank",
    title: STATUS_CODES[status],
    status,
    detail: message,
    code,
    retryAfterMs,
  };
  return {
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...(code === "unauthorized" ? { "WWW-Authenticate": "Bearer" } : {}),
      ...(retryAfterMs === undefined
        ? {}
        : { "Retry-After": String(Math.ceil(retryAfterMs / 1_000)) }),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}
