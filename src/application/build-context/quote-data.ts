import { dropUnseen } from "#domain/shared/unseen.ts";

/** Text of others, to stand between tags: it can neither close them nor open any. */
export function quoteData(text: string): string {
  return dropUnseen(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The same, on one line. */
export function quoteLine(text: string): string {
  return quoteData(text.replaceAll(/\s+/gu, " ").trim());
}

/** The start of a text: at most `maxChars` characters, marked where something is missing. */
export function clip(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars).toWellFormed()}…`;
}
