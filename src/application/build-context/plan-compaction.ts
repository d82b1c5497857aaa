import type { Compaction } from "#domain/compaction/compaction.ts";
import type { Message } from "#domain/message/message.ts";
import { startOfTurn, sum } from "./fit-text.ts";
import type { Count } from "./token-meter.ts";

/** A conversation is summarised when it takes this share of its budget. */
const FULL_SHARE = 0.8;
/** What stays as it is then. */
const RECENT_SHARE = 0.4;
/** Messages without a summary: beyond these a summary is due however short they are. */
const MAX_MESSAGES = 160;
const RECENT_MESSAGES = 60;

export interface PlanCompactionInput {
  readonly messages: readonly Message[];
  readonly covered: number;
  /** The latest one of the session, undone or not. */
  readonly latest: Compaction | undefined;
  /** What the conversation would take as it is. */
  readonly tokens: number;
  readonly budgetTokens: number;
  readonly count: Count;
}

/**
 * How many of the messages, from the first on, a summary should stand for; nothing where none is
 * due. Who has undone the latest one wants the originals: then the budget has to be used up first.
 */
export function planCompaction(input: PlanCompactionInput): number | undefined {
  const { messages, covered, latest, tokens, budgetTokens } = input;
  const share = latest?.undone === undefined ? FULL_SHARE : 1;
  const isLong = latest?.undone === undefined && messages.length - covered > MAX_MESSAGES;
  if (tokens <= budgetTokens * share && !isLong) return undefined;
  const end = endOfOlder(input, budgetTokens * RECENT_SHARE);
  return end > covered ? end : undefined;
}

/** Where the latest whole turns begin that fit into `recentTokens`; the last turn always does. */
function endOfOlder(
  { messages, covered, count }: PlanCompactionInput,
  recentTokens: number,
): number {
  let start = startOfTurn(messages, messages.length - 1);
  let tokens = sum(messages.slice(start), count);
  while (start > covered) {
    const from = startOfTurn(messages, start - 1);
    tokens += sum(messages.slice(from, start), count);
    if (tokens > recentTokens || messages.length - from > RECENT_MESSAGES) break;
    start = from;
  }
  return start;
}

export interface FoundCompaction {
  readonly compaction: Compaction | undefined;
  /** For how many of the messages, from the first on, it stands. */
  readonly covered: number;
}

/**
 * Which compaction holds for a conversation as it is loaded, and for how many of its messages: the
 * latest one that ends in one of its turns, or before them all.
 */
export function findCompaction(
  messages: readonly Message[],
  compactions: readonly Compaction[],
  isBranched: boolean,
): FoundCompaction {
  const [first] = messages;
  const last = messages.at(-1);
  for (const compaction of compactions) {
    const { upToTurnId, undone } = compaction;
    if (undone !== undefined || upToTurnId === last?.turnId) continue;
    const at = messages.findLastIndex(({ turnId }) => turnId === upToTurnId);
    if (at >= 0) return { compaction, covered: at + 1 };
    // Of a session that never branched all turns are on the way here; ids of turns are in order.
    if (!isBranched && first !== undefined && upToTurnId < first.turnId) {
      return { compaction, covered: 0 };
    }
  }
  return { compaction: undefined, covered: 0 };
}
