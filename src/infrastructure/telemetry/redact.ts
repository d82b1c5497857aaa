/** Shorter values would turn up by chance everywhere. */
const MIN_SECRET_CHARS = 4;
const MASK = "[redacted]";
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gu;

/**
 * Gives a function that masks `secrets` in a line of JSON text: as they are, escaped, URL-encoded,
 * and in base64, inside of longer encoded text too. Values under four characters are left.
 */
export function createRedactor(secrets: readonly (string | undefined)[]): (line: string) => string {
  const known = secrets.filter((secret) => secret !== undefined);
  const forms = known.filter((secret) => secret.length >= MIN_SECRET_CHARS).flatMap(formsOf);
  if (forms.length === 0) return (line) => line;
  const longestFirst = [...new Set(forms)].toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escapeForRegExp).join("|"), "gu");
  return (line) =>
    line.replaceAll(STRING_OR_NUMBER, (token) => {
      const masked = token.replaceAll(pattern, MASK);
      const isJson = masked === token || token.startsWith('"');
      return isJson ? masked : JSON.stringify(MASK);
    });
}

function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret);
  const urlForms = [url, url.replaceAll(/%[0-9A-F]{2}/gu, (code) => code.toLowerCase())];
  const text = [secret, ...urlForms, ...urlForms.map((form) => form.replaceAll("%20", "+"))];
  // JSON in a field of a line of JSON is escaped twice.
  const once = text.map(escapeForJson);
  return [...once, ...once.map(escapeForJson), ...base64Forms(secret)];
}

function escapeForJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/**
 * Base64 of a text depends on where in its three-byte groups it begins: the part of each of the
 * three encodings that holds nothing but the secret, so "user:secret" in base64 is masked too.
 */
function base64Forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64url");
    const start = Math.ceil((before * 8) / 6);
    const end = Math.floor(((before + bytes.length) * 8) / 6);
    const form = encoded.slice(start, end);
    return [form, form.replaceAll("-", "+").replaceAll("_", "/")];
  });
}

function escapeForRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/gu, String.raw`\$&`);
}
