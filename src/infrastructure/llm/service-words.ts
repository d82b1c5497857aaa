const MAX_DETAIL_CHARS = 300;
/** Of a key, where a service shows its beginning only. */
const KEY_START_CHARS = 8;

interface Keyed {
  readonly apiKey: string | undefined;
}

/**
 * What a service says of an error, as one line for people, without the key: services like to show
 * it. `word` is the service's own name for the error, if it has one.
 */
export function detailFrom(
  body: string,
  service: Keyed,
): { readonly word: string; readonly message: string } {
  const { word, message } = readError(body);
  return { word, message: cut(withoutKeys(message.replaceAll(/\s+/gu, " ").trim(), service)) };
}

/** The HTTP status that stands for what services call an error in the middle of a stream. */
export function statusOfWord(word: string): number | undefined {
  if (/rate_limit|too_many_requests|^429$/iu.test(word)) return 429;
  if (/authentication|permission|invalid_api_key|unauthorized|^40[13]$/iu.test(word)) return 401;
  if (/not_found|^404$/iu.test(word)) return 404;
  if (/invalid|context_length|too_large|policy|unsupported|^4\d\d$/iu.test(word)) return 400;
  return undefined;
}

/** `{"error": {"message", "type", "code"}}`, `{"error": "…"}`, `{"message"}`, or any text. */
function readError(body: string): { word: string; message: string } {
  const parsed = parseObject(body);
  if (parsed === undefined) {
    const isPage = /^\s*<(?:!doctype|html|head|body)/iu.test(body);
    return { word: "", message: isPage ? "a web page" : body === "" ? "nothing" : body };
  }
  const error = parsed["error"] ?? parsed;
  if (typeof error === "string") return { word: "", message: error };
  if (typeof error !== "object" || error === null) return { word: "", message: body };
  const { message, code, type } = error as Readonly<Record<string, unknown>>;
  return {
    word: [code, type].map(toWord).join(" ").trim(),
    message: typeof message === "string" ? message : body,
  };
}

function toWord(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function withoutKeys(text: string, { apiKey }: Keyed): string {
  let safe = text;
  if (apiKey !== undefined && apiKey !== "") {
    safe = safe.replaceAll(apiKey, "[redacted]");
    const start = apiKey.slice(0, KEY_START_CHARS);
    while (start.length === KEY_START_CHARS && safe.includes(start)) {
      const from = safe.indexOf(start);
      const length = safe.slice(from).search(/[\s"',;)]|$/u);
      safe = `${safe.slice(0, from)}[redacted]${safe.slice(from + Math.max(length, 1))}`;
    }
  }
  return safe
    .replaceAll(/\bBearer\s+\S+/giu, "Bearer [redacted]")
    .replaceAll(/\bsk-[\w*.-]{6,}/gu, "[redacted]");
}

function cut(text: string): string {
  return text.length <= MAX_DETAIL_CHARS ? text : `${text.slice(0, MAX_DETAIL_CHARS)}…`;
}
