import type { SecretValues } from "./secret-values.ts";

/** Looks for the values of secrets in what leaves the broker. */
export interface LeakScanner {
  /** The name of a secret that `content` holds, plain or encoded, or undefined. */
  find(content: string | Uint8Array): string | undefined;
}

/**
 * A scanner that knows each value plain, reversed, in hex, in base64 and base64url at any position,
 * in HTML, and all of these once more in percent encoding or JSON escapes. It does not know what is
 * split up, enciphered, compressed or encoded in several ways at once.
 */
export function createLeakScanner(secrets: SecretValues): LeakScanner {
  const index = toIndex(
    [...secrets].flatMap(([name, value]) =>
      [...new Set(toNeedles(value))].map((text) => ({ name, bytes: Buffer.from(text, "latin1") })),
    ),
  );
  return {
    find(content) {
      if (secrets.size === 0) return undefined;
      const bytes = typeof content === "string" ? Buffer.from(content) : toBuffer(content);
      for (const view of toViews(bytes)) {
        const found = findIn(view, index);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

function toNeedles(value: string): readonly string[] {
  const bytes = Buffer.from(value, "latin1");
  const hex = bytes.toString("hex");
  const base64 = [0, 1, 2].map((offset) => toBase64At(bytes, offset));
  return [
    value,
    Buffer.from(bytes).reverse().toString("latin1"),
    // As a form writes it; its other characters are in percent encoding.
    value.replaceAll(" ", "+"),
    toHtml(value),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
}

/** The part of a base64 text that `bytes` alone decide, where they begin at `offset` of three. */
function toBase64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const from = Math.ceil((offset * 8) / 6);
  const to = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(from, to);
}

function toHtml(value: string): string {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return value.replaceAll(/[&<>"']/gu, (char) => entities[char as keyof typeof entities]);
}

/** What is looked through: the bytes, and what they are when their escapes are read. */
function toViews(bytes: Buffer): readonly Buffer[] {
  const views = [bytes];
  const hasPercents = bytes.includes("%");
  const hasEscapes = bytes.includes("\\");
  if (!hasPercents && !hasEscapes) return views;
  const text = bytes.toString("latin1");
  if (hasPercents) views.push(Buffer.from(readPercents(text), "latin1"));
  if (hasEscapes) views.push(Buffer.from(readEscapes(text), "latin1"));
  return views;
}

function readPercents(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/giu, (_all, hex: string) => fromHex(hex));
}

function readEscapes(text: string): string {
  return text.replaceAll(
    /\\(?:u00([0-9a-f]{2})|x([0-9a-f]{2})|(.))/giu,
    (_all, unicode?: string, byte?: string, char?: string) =>
      char ?? fromHex(unicode ?? byte ?? "20"),
  );
}

function fromHex(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}

/** Needles by their first two bytes: one pass over the content looks for all of them. */
type NeedleIndex = ReadonlyMap<number, readonly Needle[]>;

function toIndex(needles: readonly Needle[]): NeedleIndex {
  return Map.groupBy(needles, ({ bytes }) => bytes.readUInt16BE(0));
}

function findIn(bytes: Buffer, index: NeedleIndex): string | undefined {
  const isStart = new Uint8Array(65_536);
  for (const pair of index.keys()) isStart[pair] = 1;
  let pair = bytes[0] ?? 0;
  for (let next = 1; next < bytes.length; next += 1) {
    pair = ((pair & 255) << 8) | (bytes[next] ?? 0);
    if (isStart[pair] === 0) continue;
    const found = index.get(pair)?.find((needle) => isAt(bytes, next - 1, needle));
    if (found !== undefined) return found.name;
  }
  return undefined;
}

function isAt(bytes: Buffer, start: number, { bytes: needle }: Needle): boolean {
  const end = start + needle.length;
  return end <= bytes.length && bytes.compare(needle, 0, needle.length, start, end) === 0;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
