type Head = Readonly<Record<string, string | string[] | undefined>>;

/** How long a service asks to be left alone, by `retry-after-ms` or `retry-after`. */
export function readRetryAfter(headers: Head, nowMs: number): number | undefined {
  const inMs = first(headers["retry-after-ms"]);
  if (inMs !== undefined && isNumber(inMs)) return Math.ceil(Number(inMs));
  const after = first(headers["retry-after"]);
  if (after === undefined) return undefined;
  if (isNumber(after)) return Math.ceil(Number(after) * 1_000);
  const atMs = Date.parse(after);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function isNumber(text: string): boolean {
  return /^\s*\d{1,12}(?:\.\d{1,12})?\s*$/u.test(text);
}
