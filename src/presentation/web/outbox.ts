import type { SendMode } from "./protocol.ts";

/** A message the server has not accepted yet. */
export interface OutgoingMessage {
  readonly clientMessageId: string;
  readonly userId: string;
  readonly text: string;
  readonly createdAtMs: number;
  readonly target: Target;
  /** Left out: it waits for the turn under way. */
  readonly mode?: SendMode;
  readonly state: OutgoingState;
}

/** Where a message goes: a session, or one that its first accepted message will make. */
export type Target =
  | { readonly kind: "session"; readonly sessionId: string }
  | { readonly kind: "draft"; readonly draftId: string };

export type OutgoingState =
  | { readonly kind: "waiting" }
  | { readonly kind: "sent" }
  /** The server is too busy; it is sent again on its own. */
  | { readonly kind: "delayed" }
  | { readonly kind: "refused"; readonly code: string; readonly message: string };

/** What an outbox needs of a browser's `localStorage`. */
export interface TextStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const PREFIX = "nexflow.outbox.";

/**
 * Messages on their way, kept in the browser's storage until the server has them on disk, so that
 * neither a reload nor a crash of the page loses one.
 */
export class Outbox {
  readonly #storage: TextStorage;
  #messages: readonly OutgoingMessage[];

  /** Finds what `userId` left behind; another user's messages stay untouched. */
  constructor(storage: TextStorage, userId: string) {
    this.#storage = storage;
    this.#messages = readAll(storage)
      .filter((message) => message.userId === userId)
      .sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  get messages(): readonly OutgoingMessage[] {
    return this.#messages;
  }

  find(clientMessageId: string): OutgoingMessage | undefined {
    return this.#messages.find((message) => message.clientMessageId === clientMessageId);
  }

  /**
   * What may be sent now: the first message of each target, so that order is kept and a draft
   * makes one session only. A refused one holds up those behind it until it is discarded.
   */
  listSendable(): readonly OutgoingMessage[] {
    const heads = new Map<string, OutgoingMessage>();
    for (const message of this.#messages) {
      const key = targetKey(message.target);
      if (!heads.has(key)) heads.set(key, message);
    }
    return [...heads.values()].filter(({ state }) => state.kind === "waiting");
  }

  add(message: OutgoingMessage): void {
    this.#messages = [...this.#messages, message];
    this.#store(message);
  }

  remove(clientMessageId: string): void {
    this.#messages = this.#messages.filter((known) => known.clientMessageId !== clientMessageId);
    this.#storage.removeItem(PREFIX + clientMessageId);
  }

  setState(clientMessageId: string, state: OutgoingState): void {
    this.#messages = this.#messages.map((known) =>
      known.clientMessageId === clientMessageId ? { ...known, state } : known,
    );
  }

  /** The line broke: whatever was not refused has to be sent again. */
  rewind(): void {
    this.#messages = this.#messages.map((known) =>
      known.state.kind === "refused" ? known : { ...known, state: { kind: "waiting" } },
    );
  }

  /** A draft's session exists now: what else was written in the draft goes there. */
  settleDraft(draftId: string, sessionId: string): void {
    this.#messages = this.#messages.map((known): OutgoingMessage => {
      if (known.target.kind !== "draft" || known.target.draftId !== draftId) return known;
      const settled = { ...known, target: { kind: "session", sessionId } } as const;
      this.#store(settled);
      return settled;
    });
  }

  #store({ state: _state, ...stored }: OutgoingMessage): void {
    this.#storage.setItem(PREFIX + stored.clientMessageId, JSON.stringify(stored));
  }
}

/** A text that is the same for equal targets. */
export function targetKey(target: Target): string {
  return target.kind === "session" ? `session:${target.sessionId}` : `draft:${target.draftId}`;
}

function readAll(storage: TextStorage): OutgoingMessage[] {
  const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
  return keys
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => JSON.parse(storage.getItem(key) ?? "null") as Omit<OutgoingMessage, "state">)
    .map((stored) => Object.assign(stored, { state: { kind: "waiting" } as const }));
}
