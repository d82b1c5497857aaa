import { HttpRefusal } from "./http-refusal.ts";

/** What a guest is told of a failed request: enough to act on, nothing of this host or network. */
export function toGuestMessage(error: unknown, deadline: AbortSignal): string {
  if (error instanceof HttpRefusal) return error.message;
  if (deadline.aborted && deadline.reason instanceof Error) return deadline.reason.message;
  const code = codeOf(error);
  return MESSAGES.find(([pattern]) => pattern.test(code))?.[1] ?? "The connection failed";
}

const MESSAGES: readonly (readonly [code: RegExp, message: string])[] = [
  [/^ECONNREFUSED$/u, "The connection was refused"],
  [/^UND_ERR_HEADERS_OVERFLOW$/u, "The head of the response is too large"],
  [/^HTTPParserError$|^HPE_|_LENGTH_MISMATCH$/u, "The response is no HTTP"],
  [/CERT|_SIGNATURE$|^ERR_TLS_/u, "The server's certificate cannot be trusted"],
  [/^ERR_SSL_|^EPROTO$/u, "The server does not speak TLS as expected"],
];

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // Several addresses that were tried in turn fail together.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
