import type { HttpReply } from "./http-reply.ts";
import { PROBLEM_TYPES, type ProblemCode } from "./problem-types.ts";
import type { Refusal } from "./replies.ts";

/** A refusal as RFC 9457 problem details. */
export function problem(
  { code, message, retryAfterMs }: Refusal<ProblemCode>,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  const { status, title } = PROBLEM_TYPES[code];
  const type = `/api/v1/problems/${code}`;
  const body = { type, title, status, detail: message, code, retryAfterMs };
  return {
    code,
    message,
    status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...authenticate(code),
      ...(retryAfterMs === undefined
        ? {}
        : { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

/** RFC 6750 */
function authenticate(code: ProblemCode): Readonly<Record<string, string>> {
  if (code === "unauthorized") return { "WWW-Authenticate": "Bearer" };
  if (code !== "insufficient-scope") return {};
  return { "WWW-Authenticate": 'Bearer error="insufficient_scope"' };
}
