import type { Message } from "#domain/message/message.ts";
import type { ContextVersion } from "#domain/session/context-version.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import type { Skill } from "#domain/skill/skill.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { LlmRequest } from "./llm.ts";
import type { CallingTurn } from "./tool-runner.ts";

/** So many of a session's latest messages are at hand; those before them are read where needed. */
export const LOADED_MESSAGES = 400;

/**
 * Puts together what a model is told before each of its steps: the system's words and as much of
 * the conversation as its budget has room for, older parts as a summary. A summary that has to be
 * made is made and stored first. A store that is away is waited for. Rejects as `signal` says.
 */
export type BuildContext = (input: BuildContextInput, signal: AbortSignal) => Promise<BuiltContext>;

export interface BuildContextInput {
  readonly turn: CallingTurn;
  /** It is known that nothing is stored for models beside messages. */
  readonly hasOnlyMessages: boolean;
  /** What is stored for models beside messages, as the run knows it last; left out: it has to be read. */
  readonly contextVersion: ContextVersion | undefined;
  /** `<provider>/<model>` or an alias; the default model where it is left out. */
  readonly model: string | undefined;
  /** The conversation as it is loaded, oldest first; the last message is the user's or a tool's. */
  readonly messages: readonly Message[];
  /** What the model may call: its descriptions take room too. */
  readonly skills: readonly Skill[];
  /** What the session has come into touch with by now. */
  readonly taint: SessionTaint;
  readonly ask: AskAside;
}

/**
 * Has a model answer something that is no part of the conversation, and gives its text. It counts
 * in what the turn may spend, and is shown nowhere. Rejects with `Fault` where the model fails or a
 * budget does not let it, and when the turn is stopped.
 */
export type AskAside = (request: LlmRequest) => Promise<AsideAnswer>;

export interface AsideAnswer {
  readonly text: string;
  /** `<provider>/<model>` that answered. */
  readonly model: string;
}

/** A summary stands for so many of the messages, from the first on, and nothing of them is told. */
export interface Summarised {
  readonly messages: number;
  /** It holds as long as the session's part of `ContextVersion` is this. */
  readonly version: number;
}

export interface BuiltContext {
  readonly system: string;
  readonly messages: readonly Message[];
  /** What the model comes into touch with by reading this, as notes about the user. */
  readonly taint: SessionTaint;
  /** About how many tokens all of it takes, the tools' descriptions included. */
  readonly inputTokens: number;
  /** Of the input's messages; left out where there is no summary or not all would be the same. */
  readonly summarised?: Summarised | undefined;
  /** A compaction that was made for this, to be shown. */
  readonly compacted: ContextCompacted | undefined;
  /** To be called with what the service counted for this: the next counts are better for it. */
  readonly learn: (usage: TokenUsage) => void;
}

/** As in the event `context-compacted`. */
export interface ContextCompacted {
  readonly messages: number;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
}
