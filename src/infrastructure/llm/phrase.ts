import { parseTemplate } from "../../../skills-registry/template.ts";

/** A text with placeholders, ready to be matched: "what is {expression}". */
export interface Phrase {
  /** Folded literals; a capture lies between each two. A phrase without captures has one. */
  readonly literals: readonly string[];
  readonly names: readonly string[];
  /** How many characters of the text must be there literally: the more, the better the match. */
  readonly literalChars: number;
}

/** A text in the form that phrases are compared in, with the way back to the original. */
export interface FoldedText {
  readonly original: string;
  readonly folded: string;
  /** For each folded character (and the end) where it stands in the original. */
  readonly offsets: readonly number[];
}

/** Compiles an example's text. Throws `SyntaxError` for braces that hold no name. */
export function compilePhrase(text: string): Phrase {
  const literals = [""];
  const names: string[] = [];
  for (const part of parseTemplate(text.trim())) {
    if (part.kind === "literal") {
      literals[literals.length - 1] = fold(part.text).folded;
    } else {
      names.push(part.path.join("."));
      literals.push("");
    }
  }
  literals.push(trimEnd(literals.pop() ?? ""));
  return { literals, names, literalChars: literals.join("").length };
}

/** Folds case and runs of white space; drops white space and ".", "?" and "!" at the end. */
export function foldText(text: string): FoldedText {
  const { folded, offsets } = fold(text.trimStart());
  const kept = trimEnd(folded);
  return { original: text.trimStart(), folded: kept, offsets: offsets.slice(0, kept.length + 1) };
}

/**
 * The captures of `phrase` in `text`, or `undefined` where it does not match. A capture reaches to
 * the first place where the next literal stands, the last one to the end, and is never empty.
 */
export function matchPhrase(phrase: Phrase, text: FoldedText): Map<string, string> | undefined {
  const { literals, names } = phrase;
  const [first = "", ...others] = literals;
  if (others.length === 0) return text.folded === first ? new Map() : undefined;
  if (!text.folded.startsWith(first)) return undefined;
  const captures = new Map<string, string>();
  let start = first.length;
  for (const [index, literal] of others.entries()) {
    const end = findEnd(text.folded, literal, { from: start, isLast: index === others.length - 1 });
    if (end === undefined) return undefined;
    const capture = text.original.slice(text.offsets[start], text.offsets[end]).trim();
    if (capture === "") return undefined;
    captures.set(names[index] ?? "", capture);
    start = end + literal.length;
  }
  return captures;
}

function findEnd(
  text: string,
  literal: string,
  { from, isLast }: { from: number; isLast: boolean },
): number | undefined {
  if (!isLast) return found(text.indexOf(literal, from + 1));
  const end = text.length - literal.length;
  return end > from && text.endsWith(literal) ? end : undefined;
}

function found(index: number): number | undefined {
  return index < 0 ? undefined : index;
}

function fold(text: string): { folded: string; offsets: number[] } {
  const offsets: number[] = [];
  const chars: string[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    const isSpace = /\s/u.test(char);
    if (isSpace && chars.at(-1) === " ") continue;
    const lower = char.toLowerCase();
    chars.push(isSpace ? " " : lower.length === 1 ? lower : char);
    offsets.push(index);
  }
  offsets.push(text.length);
  return { folded: chars.join(""), offsets };
}

/** The "!" in "5!" is part of what is asked. */
const FACTORIAL = /^[\d)]!$/u;

function trimEnd(folded: string): string {
  let end = folded.length;
  while (end > 0 && " .?!".includes(folded.charAt(end - 1))) {
    if (FACTORIAL.test(folded.slice(end - 2, end))) break;
    end -= 1;
  }
  return folded.slice(0, end);
}
