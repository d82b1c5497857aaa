import { countCapitals, countForeign, countSmall } from "./token-pieces.ts";

/**
 * How many tokens a text takes at most, near enough: for what is set aside before a call. Of plain
 * English it is half as much again as services count, of code and other scripts up to twice as much.
 * Signs and letters at random take no more; only syllables that are chosen with a tokenizer at hand,
 * and repeated without a space, take up to half as much again.
 */
export function boundTokens(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) {
      const point = text.codePointAt(at) ?? code;
      tokens += countForeign(point);
      at += point > 0xffff ? 2 : 1;
      continue;
    }
    const kind = kindOf(code);
    const end = endOfRun(text, at, kind);
    tokens += boundRun(text, at, end, kind);
    at = end;
  }
  return Math.ceil(tokens);
}

type Kind = "capital" | "digit" | "other" | "small" | "space" | "sign";

/** Spaces and signs are a run where they are the same one, others where they are of one kind. */
function endOfRun(text: string, start: number, kind: Kind): number {
  const first = text.charCodeAt(start);
  const isSame = kind === "space" || kind === "sign";
  let end = start + 1;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (isSame ? code !== first : code > 0x7f || kindOf(code) !== kind) break;
  }
  return end;
}

const DIGITS_MOST = 3;
const SAME_SIGNS = 2;
const NEWLINES_MOST = 10;
const BLANKS_MOST = 16;

/** What the run from `start` up to `end` takes. */
function boundRun(text: string, start: number, end: number, kind: Kind): number {
  const length = end - start;
  switch (kind) {
    case "small":
      return countSmall(text, start, end);
    case "capital":
      return countCapitals(text, start, end);
    case "digit":
      return Math.ceil(length / DIGITS_MOST);
    case "space":
      return boundSpace(text.charCodeAt(start), length, kindOf(text.charCodeAt(end)));
    case "sign":
      return Math.ceil(length / SAME_SIGNS);
    case "other":
      return length;
    default:
      return kind satisfies never;
  }
}

/** The last one of several is cut off from them where it is not part of what follows. */
function boundSpace(code: number, length: number, next: Kind): number {
  if (code === NEWLINE) return 1 + Math.floor(length / NEWLINES_MOST);
  const isOfNext = code === SPACE && next !== "digit";
  if (length === 1) return isOfNext && (next === "small" || next === "capital") ? 0 : 1;
  return (isOfNext ? 1 : 2) + Math.floor(length / BLANKS_MOST);
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** `other` is what takes a token for each: control characters. */
function kindOf(code: number): Kind {
  if (code >= 0x61 && code <= 0x7a) return "small";
  if (code === SPACE || code === NEWLINE || code === TAB) return "space";
  if (code >= 0x41 && code <= 0x5a) return "capital";
  if (code >= 0x30 && code <= 0x39) return "digit";
  return code > SPACE && code < 0x7f ? "sign" : "other";
}
