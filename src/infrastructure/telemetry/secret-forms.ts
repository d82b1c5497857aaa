/**
 * The forms in which a secret may turn up: as it is, reversed, in HTML, URL-encoded, in hex, in base64
 * inside of longer encoded text too, and the readable ones once and twice escaped for JSON.
 */
export function formsOf(secret: string): readonly string[] {
  const url = encodeURIComponent(secret);
  const urlForms = [url, url.replaceAll(/%[0-9A-F]{2}/gu, (code) => code.toLowerCase())];
  const text = [
    secret,
    toHtml(secret),
    ...urlForms,
    ...urlForms.map((form) => form.replaceAll("%20", "+")),
  ];
  const hex = Buffer.from(secret).toString("hex");
  // JSON in a field of a line of JSON is escaped twice.
  const once = text.map(escapeForJson);
  const reversed = Array.from(secret).toReversed().join("");
  const encoded = [reversed, hex, hex.toUpperCase(), ...base64Forms(secret)];
  return [...new Set([...text, ...once, ...once.map(escapeForJson), ...encoded])];
}

function escapeForJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function toHtml(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (char) => ENTITIES[char] ?? char);
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
