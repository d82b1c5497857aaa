import type { HttpReply, StreamReply } from "../http-reply.ts";
import { json } from "../http-reply.ts";
import { PROBLEM_TYPES, type ProblemCode } from "../problem-types.ts";

export const OPENAI_BASE = "/v1";

/** What OpenAI's clients read of something that went wrong. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  /** The part of the request that is at fault. */
  readonly param: string | null;
  readonly code: string;
}

export interface OpenAiRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly param?: string | undefined;
}

/** A refusal as OpenAI's clients expect it; `code` is ours. */
export function refuse(
  refusal: OpenAiRefusal,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return json(refusal.status, { error: toOpenAiError(refusal) }, headers);
}

export function toOpenAiError({ status, code, message, param }: OpenAiRefusal): OpenAiError {
  return { message, type: typeOf(status), param: param ?? null, code };
}

/** Gives a refusal below `/v1` the form that its clients read. */
export function shapeRefusal(
  path: string,
  reply: HttpReply | StreamReply,
): HttpReply | StreamReply {
  if (!path.startsWith(`${OPENAI_BASE}/`) || "stream" in reply) return reply;
  const { code, message, headers = {}, closesConnection = false } = reply;
  if (code === undefined || message === undefined) return reply;
  const kept = pick(headers, ["Allow", "Retry-After", "WWW-Authenticate"]);
  return { ...refuse({ status: statusOf(code), code, message }, kept), code, closesConnection };
}

function statusOf(code: ProblemCode): number {
  return PROBLEM_TYPES[code].status;
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

function pick(headers: Readonly<Record<string, string>>, names: readonly string[]) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)));
}
