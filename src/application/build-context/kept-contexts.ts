import type { MessagePart } from "#domain/message/message.ts";
import { type ContextVersion, covers } from "#domain/session/context-version.ts";
import type { SessionId } from "#domain/shared/id.ts";
import type { NowMs } from "../ports/clock.ts";
import type { ContextStore, ReadContext, StoredContext } from "../ports/context-store.ts";

/** Characters of all that is kept together; a session in use has some 10,000 of summaries and notes. */
const KEPT_CHARS_MOST = 8_000_000;
/** What each session takes at least. */
const LEAST_CHARS = 1_000;
/** During an upgrade an instance of the version before, which counts nothing, may write as well. */
const KEPT_MOST_MS = 60_000;

export interface KeptContextsDeps {
  readonly read: ContextStore["read"];
  readonly nowMs: NowMs;
  /** Left out: 8 million. */
  readonly keptCharsMost?: number;
}

interface Kept {
  readonly stored: StoredContext;
  readonly chars: number;
  readonly readAtMs: number;
}

/**
 * What is stored for models beside messages, for the runs of one thread: read again where it has
 * changed since, and after a minute.
 */
export class KeptContexts {
  readonly #read: ContextStore["read"];
  readonly #nowMs: NowMs;
  readonly #keptCharsMost: number;
  /** In the order of last use. */
  readonly #kept = new Map<SessionId, Kept>();
  #keptChars = 0;

  constructor({ read, nowMs, keptCharsMost = KEPT_CHARS_MOST }: KeptContextsDeps) {
    this.#read = read;
    this.#nowMs = nowMs;
    this.#keptCharsMost = keptCharsMost;
  }

  /**
   * What there was at `version` or is there since; where that is left out, what is there now. Rejects
   * as `ContextStore.read`.
   */
  async read(turn: ReadContext, version: ContextVersion | undefined): Promise<StoredContext> {
    const known = this.#take(turn.sessionId);
    const nowMs = this.#nowMs();
    const kept =
      known !== undefined && this.#isCurrent(known, version, nowMs)
        ? known
        : toKept(await this.#read(turn), nowMs);
    this.#keep(turn.sessionId, kept);
    return kept.stored;
  }

  #isCurrent({ stored, readAtMs }: Kept, version: ContextVersion | undefined, nowMs: number) {
    if (version === undefined || Math.abs(nowMs - readAtMs) > KEPT_MOST_MS) return false;
    return covers(stored.version, version);
  }

  #take(sessionId: SessionId): Kept | undefined {
    const kept = this.#kept.get(sessionId);
    if (kept === undefined) return undefined;
    this.#kept.delete(sessionId);
    this.#keptChars -= kept.chars;
    return kept;
  }

  #keep(sessionId: SessionId, kept: Kept): void {
    this.#take(sessionId);
    this.#kept.set(sessionId, kept);
    this.#keptChars += kept.chars;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptChars <= this.#keptCharsMost) return;
      this.#take(oldest);
    }
  }
}

function toKept(stored: StoredContext, readAtMs: number): Kept {
  return { stored, chars: charsOf(stored), readAtMs };
}

function charsOf({ notes, compactions, pinned }: StoredContext): number {
  const texts = [
    ...notes.map(({ text }) => text),
    ...compactions.map(({ summary }) => summary),
    ...pinned.flatMap(({ parts }) => parts.map(textOrData)),
  ];
  return texts.reduce((sum, text) => sum + text.length, LEAST_CHARS);
}

function textOrData(part: MessagePart): string {
  if (part.kind === "image") return part.data;
  return part.kind === "text" ? part.text : "";
}
