import { HttpRefusal, refuse } from "./http-refusal.ts";

export type HttpHeaders = Readonly<Record<string, string>>;

const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16_384;

/** What frames the message, names the host or speaks to a proxy is not the guest's to say. */
const FORBIDDEN = new Set([
  "host",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "http2-settings",
  "te",
  "trailer",
  "expect",
  // A key that becomes a prototype when a careless program copies it.
  "__proto__",
]);

/** The headers a guest wants to send, with lower-case names. Throws `HttpRefusal`. */
export function parseGuestHeaders(given: HttpHeaders): HttpHeaders {
  const headers = Object.entries(given);
  if (headers.length > MAX_HEADERS) {
    throw new HttpRefusal(`Cannot send ${headers.length} headers: expected at most ${MAX_HEADERS}`);
  }
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (bytes > MAX_HEADER_BYTES) {
    throw new HttpRefusal(
      `Cannot send ${bytes} bytes of headers: expected at most ${MAX_HEADER_BYTES}`,
    );
  }
  const parsed = new Map<string, string>();
  for (const [name, value] of headers) {
    const lowerName = parseName(name);
    checkValue(lowerName, value);
    if (parsed.has(lowerName)) throw new HttpRefusal(`Cannot send header "${lowerName}" twice`);
    parsed.set(lowerName, value);
  }
  return Object.fromEntries(parsed);
}

function parseName(name: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/iu.test(name)) {
    throw refuse(`Cannot send header ${JSON.stringify(name)}: expected a header's name`);
  }
  const lowerName = name.toLowerCase();
  if (FORBIDDEN.has(lowerName) || lowerName.startsWith("proxy-")) {
    throw refuse(`Cannot send header "${lowerName}": it is not the skill's to set`);
  }
  return lowerName;
}

function checkValue(name: string, value: string): void {
  if (/^[\t\u0020-\u007e\u0080-\u00ff]*$/u.test(value)) return;
  throw refuse(`Cannot send header "${name}": expected a value of Latin-1 text in one line`);
}
