import type { SessionId, UserId } from "../shared/id.ts";
import type { Spend } from "../spend/budget.ts";
import type { SessionTaint } from "./session-taint.ts";

export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly title: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** The last committed event; 0 before the first. */
  readonly headSeq: number;
  /** The epoch of the run that stored it. */
  readonly headEpoch: number;
  /** The model that it is answered by, or an alias; the default one where it is left out. */
  readonly model?: string | undefined;
  readonly taint?: SessionTaint;
  readonly spend?: Spend;
}

const MAX_TITLE_CHARS = 80;
/** Made once, and only when it is needed: that takes longer than to store a message. */
let segmenter: Intl.Segmenter | undefined;

/** The title of a conversation: its first message on one line, cut to 80 characters. */
export function titleFrom(text: string): string {
  const line = text
    .slice(0, 4 * MAX_TITLE_CHARS)
    // The cut may have gone through the middle of a character.
    .toWellFormed()
    .replace(/\s+/gu, " ")
    .trim();
  if (line === "") return "New conversation";
  // A character has at least one unit: whoever has few enough units need not count.
  if (line.length <= MAX_TITLE_CHARS) return line;
  segmenter ??= new Intl.Segmenter();
  const chars = Array.from(segmenter.segment(line), ({ segment }) => segment);
  if (chars.length <= MAX_TITLE_CHARS) return line;
  return `${chars.slice(0, MAX_TITLE_CHARS - 1).join("")}…`;
}
