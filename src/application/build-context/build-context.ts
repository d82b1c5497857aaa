import { type Compaction } from "#domain/compaction/compaction.ts";
import type { Message } from "#domain/message/message.ts";
import { isOffline } from "#domain/model/model-name.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseCompactionId } from "#domain/shared/id.ts";
import { oncePer } from "#domain/shared/once-per.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { countTools, estimateTokens } from "#domain/spend/estimate-tokens.ts";
import {
  type BuildContext,
  type BuildContextInput,
  type BuiltContext,
  type ContextCompacted,
  LOADED_MESSAGES,
  type Summarised,
} from "../ports/build-context.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { ContextStore, StoredContext } from "../ports/context-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { FindModelWindow, ModelWindow } from "../ports/model-window.ts";
import type { PromptSkills } from "../ports/prompt-skills.ts";
import type { LoadTokenizer } from "../ports/tokenizer.ts";
import { whileStoreIsAway } from "../ports/while-store-is-away.ts";
import { EXTRACT } from "./earlier-message.ts";
import { fitText, sum } from "./fit-text.ts";
import { KeptContexts } from "./kept-contexts.ts";
import { listActivations } from "./kept-parts.ts";
import { type FoundCompaction, findCompaction, planCompaction } from "./plan-compaction.ts";
import { quotedSummary } from "./quoted-summary.ts";
import { type SelectedHistory, selectHistory } from "./select-history.ts";
import { extract, type SummariseInput, summarise } from "./summarise.ts";
import { systemText } from "./system-text.ts";
import { type Count, TokenMeter } from "./token-meter.ts";

export interface BuildContextDeps {
  readonly store: ContextStore;
  readonly promptSkills: Pick<PromptSkills, "list">;
  readonly loadTokenizer: LoadTokenizer;
  readonly findModelWindow: FindModelWindow;
  /** What no context is to pass, whatever the model could take. */
  readonly maxContextTokens: number | undefined;
  readonly newId: NewId;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

/** For models of which nobody knows what they take. */
const UNKNOWN_CONTEXT_TOKENS = 16_000;
const OUTPUT_TOKENS = 8_000;
/** Of its window that a model's answer gets at most. */
const OUTPUT_SHARE = 1 / 4;
/** Of the budget that the conversation gets at least, whatever tools and notes take. */
const LEAST_HISTORY_SHARE = 1 / 4;
/** Below this the estimate may be wrong by a factor of two without harm: nothing is counted. */
const CERTAIN_SHARE = 1 / 2;
const SUMMARY_SHARE = 1 / 8;
const MAX_SUMMARY_TOKENS = 2_000;
/** As many are loaded for a run (`SessionHistory`): with so many there may be older ones. */
const MAX_SUMMARISED_MESSAGES = 2_000;
const ONLY_MESSAGES: StoredContext = {
  version: { session: 0, user: 0 },
  notes: [],
  compactions: [],
  pinned: [],
  isBranched: false,
};

/** Makes the builder of one thread: it remembers what messages count and how services count. */
export function createBuildContext(deps: BuildContextDeps): BuildContext {
  const meter = new TokenMeter(deps.loadTokenizer);
  const contexts = new KeptContexts({ read: (turn) => deps.store.read(turn), nowMs: deps.nowMs });
  const estimateTools = oncePer((skill: Skill) => countTools(skill, estimateTokens));

  return async function buildContext(input, signal) {
    const { turn, contextVersion, hasOnlyMessages } = input;
    const stored = hasOnlyMessages
      ? ONLY_MESSAGES
      : await whileStoreIsAway(signal, () => contexts.read(turn, contextVersion));
    const window = deps.findModelWindow(input.model);
    const budgetTokens = inputBudget(window, deps.maxContextTokens);
    const estimate = meter.estimate(window.model);
    const system = systemText({
      promptSkills: deps.promptSkills.list(),
      notes: stored.notes,
      budgetTokens,
      count: estimate.text,
    });
    const fixedTokens =
      estimate.text(system) +
      input.skills.reduce((tokens, skill) => tokens + estimateTools(skill), 0);
    const room = Math.floor(
      Math.max(budgetTokens - fixedTokens, budgetTokens * LEAST_HISTORY_SHARE),
    );
    const found = findCompaction(input.messages, stored.compactions, stored.isBranched);
    const hasKept = keepsSome(input.messages.slice(0, found.covered), stored);
    const rest = input.messages.slice(hasKept ? 0 : found.covered);
    const summary = found.compaction === undefined ? [] : [quotedSummary(found.compaction)];
    const counted = [...summary, ...stored.pinned, ...rest];
    const isCertain = sum(counted, estimate) <= room * CERTAIN_SHARE;
    const exact = isCertain ? undefined : await meter.exact(window.model, counted);
    const building = { deps, input, stored, found, window, room, count: exact ?? estimate };
    const { history, compacted } = await new Building(building).build(signal);
    const inputTokens = fixedTokens + history.tokens;
    const { kind } = building.count;
    return {
      system,
      messages: history.messages,
      taint: taintOf(stored),
      inputTokens,
      summarised: hasKept ? undefined : toSummarised(found, stored),
      compacted,
      learn: ({ inputTokens: actual, isEstimated }) => {
        if (isEstimated === true) return;
        meter.learn(window.model, { kind, counted: inputTokens, actual });
      },
    } satisfies BuiltContext;
  };
}

/** How many tokens a request to a model may have. */
export function inputBudget(
  { contextTokens, outputTokens }: ModelWindow,
  maxContextTokens: number | undefined,
): number {
  const windowTokens = contextTokens ?? maxContextTokens ?? UNKNOWN_CONTEXT_TOKENS;
  const answer = Math.min(outputTokens ?? OUTPUT_TOKENS, Math.floor(windowTokens * OUTPUT_SHARE));
  // An operator's figure is what a model gets; a model's own is for its answer too.
  const own = contextTokens === undefined ? windowTokens : windowTokens - answer;
  return Math.min(own, maxContextTokens ?? own);
}

/** Whether models are told anything of the messages that a summary stands for. */
function keepsSome(messages: readonly Message[], { pinned }: StoredContext): boolean {
  return pinned.length > 0 || listActivations(messages).length > 0;
}

/** Which summary holds for a session that has branched hangs on what is loaded. */
function toSummarised(
  { covered }: FoundCompaction,
  { isBranched, version }: StoredContext,
): Summarised | undefined {
  if (isBranched || covered === 0) return undefined;
  return { messages: covered, version: version.session };
}

function taintOf({ notes }: StoredContext): SessionTaint {
  if (notes.length === 0) return {};
  const origin = notes
    .map(({ source }) => (source.kind === "agent" ? source.untrusted : undefined))
    .find((each) => each !== undefined);
  const isPrivate = { private: "memory notes" };
  return origin === undefined ? isPrivate : { ...isPrivate, untrusted: `a note from ${origin}` };
}

interface BuildingInput {
  readonly deps: BuildContextDeps;
  readonly input: BuildContextInput;
  readonly stored: StoredContext;
  readonly found: FoundCompaction;
  readonly window: ModelWindow;
  /** Tokens that the conversation may take. */
  readonly room: number;
  readonly count: Count;
}

interface Built {
  readonly history: SelectedHistory;
  readonly compacted: ContextCompacted | undefined;
}

/** One conversation on its way to a model. */
class Building {
  readonly #deps: BuildContextDeps;
  readonly #input: BuildContextInput;
  readonly #stored: StoredContext;
  readonly #found: FoundCompaction;
  readonly #window: ModelWindow;
  readonly #room: number;
  readonly #count: Count;

  constructor({ deps, input, stored, found, window, room, count }: BuildingInput) {
    this.#deps = deps;
    this.#input = input;
    this.#stored = stored;
    this.#found = found;
    this.#window = window;
    this.#room = room;
    this.#count = count;
  }

  async build(signal: AbortSignal): Promise<Built> {
    const { messages } = this.#input;
    const found = this.#found;
    const end = planCompaction({
      messages,
      covered: found.covered,
      latest: this.#stored.compactions[0],
      tokens:
        sum(messages.slice(found.covered), this.#count) + this.#summaryTokens(found.compaction),
      budgetTokens: this.#room,
      count: this.#count,
    });
    if (end === undefined) return { history: this.#select(found), compacted: undefined };
    const compaction = await this.#compact(found.compaction, { from: found.covered, end }, signal);
    const { messages: count, tokensBefore, tokensAfter } = compaction;
    return {
      history: this.#select({ compaction, covered: end }),
      compacted: { messages: count, tokensBefore, tokensAfter },
    };
  }

  #select(found: FoundCompaction): SelectedHistory {
    return selectHistory({
      messages: this.#input.messages,
      covered: found.covered,
      compaction: found.compaction,
      pinned: this.#pinned(),
      untrusted: this.#input.taint.untrusted,
      budgetTokens: this.#room,
      count: this.#count,
    });
  }

  /** Of pinned messages that are not loaded those that come before: others are of other branches. */
  #pinned(): readonly Message[] {
    if (this.#stored.pinned.length === 0) return [];
    const { messages } = this.#input;
    const [first] = messages;
    const loaded = new Set(messages.map(({ id }) => id));
    return this.#stored.pinned.filter(({ id, turnId }) => {
      return loaded.has(id) || (first !== undefined && turnId < first.turnId);
    });
  }

  #summaryTokens(compaction: Compaction | undefined): number {
    return compaction === undefined ? 0 : this.#count.message(quotedSummary(compaction));
  }

  async #compact(
    before: Compaction | undefined,
    { from, end }: { readonly from: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<Compaction> {
    const { messages, turn, model } = this.#input;
    const last = messages[end - 1];
    if (last === undefined) throw new RangeError("Cannot summarise nothing: expected messages");
    const read = () => this.#readOlder(before, messages.slice(from, end));
    const older = await whileStoreIsAway(signal, read);
    const maxTokens = Math.max(32, Math.min(this.#room * SUMMARY_SHARE, MAX_SUMMARY_TOKENS));
    const written = await this.#write(
      {
        model,
        before: before?.summary,
        messages: older,
        maxTokens,
        readTokens: this.#room * (1 - 2 * SUMMARY_SHARE),
        count: this.#count.text,
      },
      signal,
    );
    const compaction: Compaction = {
      id: parseCompactionId(this.#deps.newId()),
      sessionId: turn.sessionId,
      upToTurnId: last.turnId,
      summary: written.text,
      model: written.model,
      messages: (before?.messages ?? 0) + older.length,
      tokensBefore: this.#summaryTokens(before) + sum(older, this.#count),
      tokensAfter: this.#count.text(written.text),
      createdAtMs: this.#deps.nowMs(),
      undone: undefined,
    };
    await whileStoreIsAway(signal, () => this.#deps.store.addCompaction(compaction));
    return compaction;
  }

  /** The messages to summarise, with those that were too many to be loaded. */
  async #readOlder(
    before: Compaction | undefined,
    older: readonly Message[],
  ): Promise<readonly Message[]> {
    const { messages, turn } = this.#input;
    const last = older.at(-1);
    const isAll = messages.length < LOADED_MESSAGES || before?.upToTurnId === messages[0]?.turnId;
    if (isAll || last === undefined) return older;
    const all = await this.#deps.store.readMessages(
      turn.sessionId,
      last.turnId,
      MAX_SUMMARISED_MESSAGES,
    );
    return before === undefined ? all : all.filter(({ turnId }) => turnId > before.upToTurnId);
  }

  /** By the session's model, or where that cannot do it, without one. */
  async #write(
    input: SummariseInput,
    signal: AbortSignal,
  ): Promise<{ text: string; model: string }> {
    const fit = (text: string) => fitText(text, input.maxTokens, input.count);
    const extracted = () => ({ text: fit(extract(input)), model: EXTRACT });
    if (isOffline(this.#window.model)) return extracted();
    try {
      const { text, model } = await summarise(input, this.#input.ask);
      return text.trim() === "" ? extracted() : { text: fit(text.trim()), model };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Fault) || !error.code.startsWith("LLM_")) throw error;
      const { sessionId } = this.#input.turn;
      this.#deps.log.warn({ sessionId, error }, "A summary could not be written by a model");
      return extracted();
    }
  }
}
