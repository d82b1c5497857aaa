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
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
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
function toViews(bytes: Uint8Array): readonly Uint8Array[] {
  const views = [bytes];
  if (bytes.includes(PERCENT)) views.push(readEscapes(bytes, readPercent));
  if (bytes.includes(BACKSLASH)) views.push(readEscapes(bytes, readBackslash));
  return views;
}

const PERCENT = 0x25;
const BACKSLASH = 0x5c;

/** A byte that is written as an escape, and how long that is. */
interface Escape {
  readonly byte: number;
  readonly length: number;
}

function readEscapes(
  bytes: Uint8Array,
  readAt: (bytes: Uint8Array, at: number) => Escape | undefined,
): Uint8Array {
  const read = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; length += 1) {
    const escaped = readAt(bytes, at);
    read[length] = escaped?.byte ?? bytes[at] ?? 0;
    at += escaped?.length ?? 1;
  }
  return read.subarray(0, length);
}

/** "%41" */
function readPercent(bytes: Uint8Array, at: number): Escape | undefined {
  return bytes[at] === PERCENT ? readHex(bytes, at, 1) : undefined;
}

/** "\u0041", "\x41", or a character that stands for itself. */
function readBackslash(bytes: Uint8Array, at: number): Escape | undefined {
  if (bytes[at] !== BACKSLASH) return undefined;
  const next = bytes[at + 1] ?? 0;
  const isWide = next === 0x75 && bytes[at + 2] === 0x30 && bytes[at + 3] === 0x30;
  if (isWide) return readHex(bytes, at, 4);
  if (next === 0x78) return readHex(bytes, at, 2);
  return { byte: next, length: 2 };
}

/** The two hex digits `skipped` bytes after the beginning of an escape. */
function readHex(bytes: Uint8Array, at: number, skipped: number): Escape | undefined {
  const high = toDigit(bytes[at + skipped] ?? 0);
  const low = toDigit(bytes[at + skipped + 1] ?? 0);
  if (high === undefined || low === undefined) return undefined;
  return { byte: high * 16 + low, length: skipped + 2 };
}

function toDigit(char: number): number | undefined {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}

/** Needles by their first two bytes: one pass over the content looks for all of them. */
interface NeedleIndex {
  readonly byPair: ReadonlyMap<number, readonly Needle[]>;
  /** 1 for the pairs that there are. */
  readonly isPair: Uint8Array;
}

function toIndex(needles: readonly Needle[]): NeedleIndex {
  const byPair = Map.groupBy(needles, ({ bytes }) => bytes.readUInt16BE(0));
  const isPair = new Uint8Array(65_536);
  for (const pair of byPair.keys()) isPair[pair] = 1;
  return { byPair, isPair };
}

function findIn(bytes: Uint8Array, { byPair, isPair }: NeedleIndex): string | undefined {
  let pair = bytes[0] ?? 0;
  for (let next = 1; next < bytes.length; next += 1) {
    pair = ((pair & 255) << 8) | (bytes[next] ?? 0);
    if (isPair[pair] === 0) continue;
    for (const needle of byPair.get(pair) ?? []) {
      if (isAt(bytes, next - 1, needle.bytes)) return needle.name;
    }
  }
  return undefined;
}

function isAt(bytes: Uint8Array, start: number, needle: Uint8Array): boolean {
  if (start + needle.length > bytes.length) return false;
  for (let index = 2; index < needle.length; index += 1) {
    if (bytes[start + index] !== needle[index]) return false;
  }
  return true;
}
