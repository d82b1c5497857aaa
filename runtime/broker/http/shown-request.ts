import type { SecretGrant } from "../../policy/grants.ts";
import type { JsonValue } from "../../protocol.ts";
import type { ServiceOutcome } from "../service.ts";
import type { HttpHeaders } from "./guest-headers.ts";
import type { HttpAsk } from "./http-ask.ts";

const MAX_SHOWN_BYTES = 65_536;
const MAX_SHOWN_URL_CHARS = 1_024;
const REDACTED = "(redacted)";
const PRIVATE_HEADERS = ["authorization", "cookie", "x-api-key", "x-auth-token"];

/** What a record shows of a request: no credentials, and a body only so far as it is short text. */
export function toShownArgs(ask: HttpAsk, secrets: readonly SecretGrant[]): JsonValue {
  const secretHeaders = secrets.flatMap(({ inject }) =>
    inject.kind === "header" ? [inject.header.toLowerCase()] : [],
  );
  return {
    url: ask.target.href,
    method: ask.method,
    headers: redact(ask.headers, [...PRIVATE_HEADERS, ...secretHeaders]),
    secrets: ask.secrets,
    ...toShownBody(ask.body),
  };
}

/** What a record shows of arguments that cannot be read. */
export function toShownUrl(args: JsonValue): JsonValue {
  if (typeof args !== "object" || args === null || !("url" in args)) return {};
  return typeof args["url"] === "string" ? { url: args["url"].slice(0, MAX_SHOWN_URL_CHARS) } : {};
}

/** What a record shows of an answer. */
export function toShownResult(outcome: ServiceOutcome): JsonValue {
  if (outcome.kind === "error") return { error: outcome.message };
  return { answer: outcome.value, ...toShownBody(outcome.body ?? Buffer.alloc(0)) };
}

function redact(headers: HttpHeaders, names: readonly string[]): HttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, names.includes(name) ? REDACTED : value]),
  );
}

function toShownBody(bytes: Uint8Array): { readonly body?: string; readonly bodyBytes: number } {
  const text = toText(bytes.subarray(0, MAX_SHOWN_BYTES), bytes.length > MAX_SHOWN_BYTES);
  return { ...(text === undefined ? {} : { body: text }), bodyBytes: bytes.length };
}

/** The text of `bytes`, or undefined where they are none; a cut may go through a character. */
function toText(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
