import type { Compaction } from "#domain/compaction/compaction.ts";
import { type Message, textOf } from "#domain/message/message.ts";
import type { ToolCallId } from "#domain/shared/id.ts";
import { earlierMessage } from "./earlier-message.ts";
import { fitText, startOfTurn, sum } from "./fit-text.ts";
import { type Keep, keepOf, listActivations } from "./kept-parts.ts";
import { quoteData } from "./quote-data.ts";
import { quotedSummary } from "./quoted-summary.ts";
import { shortenResults } from "./shorten-results.ts";
import type { Count } from "./token-meter.ts";
import { keepWholePairs } from "./whole-pairs.ts";

export interface SelectHistoryInput {
  /** Oldest first; the last turn is the one that runs. */
  readonly messages: readonly Message[];
  /** For how many of `messages`, from the first on, a summary stands. */
  readonly covered: number;
  readonly compaction: Compaction | undefined;
  /** In the order of the conversation; those that are not among `messages` come before them. */
  readonly pinned: readonly Message[];
  readonly untrusted: string | undefined;
  readonly budgetTokens: number;
  readonly count: Count;
}

export interface SelectedHistory {
  readonly messages: readonly Message[];
  readonly tokens: number;
}

/** The frame of the message that stands for what is left out. */
const EARLIER_TOKENS = 160;
/** What the last turn may take before results of its tools are cut. */
const LAST_SHARE = 0.8;
/** Of what the last turn and the pins leave. */
const SKILLS_SHARE = 1 / 2;

/**
 * What a model gets of a conversation: the last turn and the pinned messages always, then the
 * skills in use, the summary, and as many whole turns from the end on as the budget has room for.
 */
export function selectHistory(whole: SelectHistoryInput): SelectedHistory {
  const input = { ...whole, messages: shortenLast(whole) };
  const { messages, covered, budgetTokens, count } = input;
  const before = pinnedBefore(input);
  if (covered === 0 && input.compaction === undefined && before.length === 0) {
    const tokens = sum(messages, count);
    if (tokens <= budgetTokens) return { messages: keepWholePairs(messages), tokens };
  }
  return new Selection(input, before).toHistory();
}

/** Pinned messages that are not loaded. */
function pinnedBefore({ messages, pinned }: SelectHistoryInput): readonly Message[] {
  if (pinned.length === 0) return [];
  const loaded = new Set(messages.map(({ id }) => id));
  return pinned.filter(({ id, role }) => !loaded.has(id) && role !== "tool");
}

/** What the tools of the last turn returned is cut where there would be no room for all of it. */
function shortenLast({ messages, budgetTokens, count }: SelectHistoryInput): readonly Message[] {
  const start = startOfTurn(messages, messages.length - 1);
  const last = messages.slice(start);
  const shortened = shortenResults(last, budgetTokens * LAST_SHARE, count);
  return shortened === last ? messages : [...messages.slice(0, start), ...shortened];
}

class Selection {
  readonly #input: SelectHistoryInput;
  readonly #before: readonly Message[];
  readonly #keep: Keep;
  #left: number;

  constructor(input: SelectHistoryInput, before: readonly Message[]) {
    this.#input = input;
    const { messages, pinned, budgetTokens, count } = input;
    const pins = new Set(pinned.map(({ id }) => id));
    const noCalls = new Set<ToolCallId>();
    this.#before = keepOf(before, { pinned: pins, calls: noCalls });
    const last = startOfTurn(messages, messages.length - 1);
    const older = messages.slice(0, last);
    const held = keepOf(older, { pinned: pins, calls: noCalls });
    this.#left =
      budgetTokens -
      EARLIER_TOKENS -
      sum([...this.#before, ...held, ...messages.slice(last)], count);
    this.#keep = { pinned: pins, calls: this.#chooseCalls(older) };
  }

  toHistory(): SelectedHistory {
    const { messages, covered, compaction: of, untrusted, count } = this.#input;
    const summary = this.#fitSummary();
    const start = this.#findStart();
    const kept = keepOf(messages.slice(0, start), this.#keep);
    const whole = keepWholePairs([...this.#before, ...kept, ...messages.slice(start)]);
    const keptIds = new Set(kept.map(({ id }) => id));
    const left = messages.slice(covered, Math.max(start, covered));
    const unsummarised = summary === "" ? (of?.messages ?? 0) : 0;
    const missing = unsummarised + left.filter(({ id }) => !keptIds.has(id)).length;
    const [first] = messages;
    if (first === undefined) return { messages: [], tokens: 0 };
    const earlier = earlierMessage(first, {
      summary: of && summary !== "" ? { of, text: summary } : undefined,
      missing,
      kept: this.#before.length + kept.length,
      untrusted,
    });
    const selected = [earlier, ...whole];
    return { messages: selected, tokens: sum(selected, count) };
  }

  /** Skills in use, the latest first, as far as there is room. */
  #chooseCalls(older: readonly Message[]): ReadonlySet<ToolCallId> {
    const chosen = new Set<ToolCallId>();
    const none = new Set<never>();
    let room = this.#left * SKILLS_SHARE;
    for (const call of listActivations(older).toReversed()) {
      const one = { pinned: none, calls: new Set([call]) };
      const tokens = sum(keepOf(older, one), this.#input.count);
      if (tokens > room) continue;
      room -= tokens;
      this.#left -= tokens;
      chosen.add(call);
    }
    return chosen;
  }

  /** Quoted; empty where there is none, or no room for it. */
  #fitSummary(): string {
    const { compaction, count } = this.#input;
    if (compaction === undefined || this.#left <= 0) return "";
    const whole = quotedSummary(compaction);
    let tokens = count.message(whole);
    let text = textOf(whole);
    if (tokens > this.#left) {
      const countQuoted = (part: string) => count.text(quoteData(part));
      text = quoteData(fitText(compaction.summary, this.#left, countQuoted));
      tokens = count.text(text);
    }
    this.#left -= tokens;
    return text;
  }

  /** Where the whole turns begin. */
  #findStart(): number {
    const { messages, covered, count } = this.#input;
    let start = startOfTurn(messages, messages.length - 1);
    while (start > covered) {
      const from = Math.max(covered, startOfTurn(messages, start - 1));
      const turn = messages.slice(from, start);
      const held = keepOf(turn, this.#keep);
      const tokens = sum(turn, count) - sum(held, count);
      if (tokens > this.#left) break;
      this.#left -= tokens;
      start = from;
    }
    return start;
  }
}
