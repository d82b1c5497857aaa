import type { OpenTurns } from "./api.ts";
import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.ts";
import {
  addQueued,
  addTaint,
  addWaiting,
  applyFrame,
  type Branch,
  type Conversation,
  EMPTY_CONVERSATION,
  findOpenTurn,
  markRunning,
  setBranch,
} from "./conversation.ts";
import { Outbox, type OutgoingMessage, type Target, type TextStorage } from "./outbox.ts";
import type {
  AcceptedFrame,
  ApprovalCard,
  Decision,
  ErrorFrame,
  EventFrame,
  SendMode,
  ServerFrame,
} from "./protocol.ts";

export interface ChatClientOptions
  extends Pick<ConnectionOptions, "openSocket" | "random" | "timing"> {
  readonly userId: string;
  readonly storage: TextStorage;
  readonly newId: () => string;
  readonly nowMs: () => number;
  /** What the server says of a session's branches. */
  readonly readBranch: (sessionId: string) => Promise<Branch | undefined>;
  /** What the server says of a session's unfinished turns. */
  readonly listOpenTurns: (sessionId: string) => Promise<OpenTurns>;
  readonly onNotice: (notice: ClientNotice) => void;
}

export type ClientNotice =
  /** Something that people can see has changed. */
  | { readonly kind: "changed" }
  | { readonly kind: "message-accepted"; readonly target: Target; readonly sessionId: string }
  /** It waits for people. */
  | { readonly kind: "turn-paused"; readonly sessionId: string; readonly turnId: string }
  | { readonly kind: "turn-ended"; readonly sessionId: string; readonly turnId: string }
  | { readonly kind: "session-missing"; readonly sessionId: string };

export type Verdict =
  | { readonly kind: "sending" }
  /** The server has it on record; the turn goes on when all is decided. */
  | { readonly kind: "heard" }
  | { readonly kind: "refused"; readonly message: string };

const UNSENT: Verdict = { kind: "refused", message: "Not sent: there is no connection" };
const BUSY_PAUSE_MS = 2_000;
/** Errors that another attempt may not meet. */
const PASSING = new Set(["overloaded", "rate-limited", "storage_unavailable", "internal"]);

/**
 * All that happens between the page and the server: conversations that resume where they were,
 * and messages that arrive once, in order, however often the line breaks.
 */
export class ChatClient {
  readonly #options: ChatClientOptions;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #conversations = new Map<string, Conversation>();
  /** Sessions whose events the server sends on this socket. */
  readonly #subscribed = new Set<string>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #verdicts = new Map<string, Verdict>();
  #openSessionId: string | undefined;

  constructor(options: ChatClientOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.storage, options.userId);
    this.#connection = new Connection({
      ...options,
      onFrame: (frame) => this.#take(frame),
      onState: (state) => this.#onState(state),
    });
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  get outgoing(): readonly OutgoingMessage[] {
    return this.#outbox.messages;
  }

  findConversation(sessionId: string): Conversation | undefined {
    return this.#conversations.get(sessionId);
  }

  start(): void {
    this.#connection.start();
  }

  /** See `Connection.check`. */
  check(): void {
    this.#connection.check();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#connection.stop();
  }

  /** Shows a session: from now on it is kept up to date, through any break. */
  open(sessionId: string | undefined): void {
    this.#openSessionId = sessionId;
    if (sessionId !== undefined) this.#follow(sessionId);
  }

  /** Takes charge of a message: it is sent now or as soon as the server can be reached. */
  send(text: string, target?: Target, mode: SendMode = "queue"): OutgoingMessage {
    const clientMessageId = this.#options.newId();
    const message: OutgoingMessage = {
      clientMessageId,
      userId: this.#options.userId,
      text,
      createdAtMs: this.#options.nowMs(),
      target: target ?? { kind: "draft", draftId: clientMessageId },
      ...(mode === "queue" ? {} : { mode }),
      state: { kind: "waiting" },
    };
    this.#outbox.add(message);
    this.#flush();
    this.#changed();
    return message;
  }

  /** Forgets a message the server refused. */
  discard(clientMessageId: string): void {
    this.#outbox.remove(clientMessageId);
    this.#flush();
    this.#changed();
  }

  /** Stops the turn that runs in a session, or the first that waits; false where there is none. */
  cancel(sessionId: string): boolean {
    const conversation = this.#conversations.get(sessionId);
    const turnId = conversation && findOpenTurn(conversation);
    return turnId !== undefined && this.#connection.send({ type: "cancel", turnId });
  }

  /** Says what is to become of a call; `findVerdict` tells how that goes. */
  decide({ approvalId, inputHash }: ApprovalCard, decision: Decision): void {
    const frame = { type: "decide", approvalId, inputHash, decision } as const;
    const isSent = this.#connection.send(frame);
    this.#verdicts.set(approvalId, isSent ? { kind: "sending" } : UNSENT);
    this.#changed();
  }

  /** What has become of a decision that was made here; `undefined` where none was. */
  findVerdict(approvalId: string): Verdict | undefined {
    return this.#verdicts.get(approvalId);
  }

  /** Shows a session anew, as the server has it: another branch of it is in use. */
  async reload(sessionId: string): Promise<void> {
    // Known before the events come, so that nothing of another branch is shown for a moment.
    const branch = await this.#options.readBranch(sessionId).catch(() => undefined);
    this.#conversations.set(sessionId, setBranch(EMPTY_CONVERSATION, branch));
    this.#subscribed.delete(sessionId);
    this.#follow(sessionId);
    this.#changed();
  }

  /** Learns which turns are of the branch in use. */
  async syncBranch(sessionId: string): Promise<void> {
    const answer = await this.#options.readBranch(sessionId).then(
      (branch) => ({ branch }),
      () => undefined,
    );
    const known = this.#conversations.get(sessionId);
    if (answer === undefined || known === undefined) return;
    this.#conversations.set(sessionId, setBranch(known, answer.branch));
    this.#changed();
  }

  /** Forgets a session that was deleted. */
  forget(sessionId: string): void {
    this.#conversations.delete(sessionId);
    this.#subscribed.delete(sessionId);
    if (this.#openSessionId === sessionId) this.#openSessionId = undefined;
  }

  #onState(state: ConnectionState): void {
    if (state.kind === "online") {
      for (const sessionId of this.#wanted()) this.#follow(sessionId);
      this.#flush();
    } else {
      this.#subscribed.clear();
      for (const [approvalId, { kind }] of this.#verdicts) {
        if (kind === "sending") this.#verdicts.set(approvalId, UNSENT);
      }
      this.#outbox.rewind();
    }
    this.#changed();
  }

  /** The session people look at, and those where an answer is under way. */
  #wanted(): Set<string> {
    const busy = [...this.#conversations].filter(([, known]) => findOpenTurn(known) !== undefined);
    const wanted = new Set(busy.map(([sessionId]) => sessionId));
    if (this.#openSessionId !== undefined) wanted.add(this.#openSessionId);
    return wanted;
  }

  #follow(sessionId: string): void {
    if (this.#subscribed.has(sessionId) || !this.#subscribe(sessionId)) return;
    this.#subscribed.add(sessionId);
    void this.#syncOpenTurns(sessionId);
    void this.syncBranch(sessionId);
  }

  #subscribe(sessionId: string): boolean {
    const { seq, epoch } = this.#conversation(sessionId);
    const position = seq === 0 ? { after: 0 } : { after: seq, epoch };
    return this.#connection.send({ type: "subscribe", sessionId, ...position });
  }

  /** Learns of turns that no event has told us of: queued ones, and what a snapshot leaves open. */
  async #syncOpenTurns(sessionId: string): Promise<void> {
    const answer = await this.#options.listOpenTurns(sessionId).catch(() => undefined);
    const known = this.#conversations.get(sessionId);
    if (answer === undefined || known === undefined) return;
    let conversation = known;
    for (const { id: turnId, state } of answer.turns) {
      const message = answer.messages.find(
        (candidate) => candidate.role === "user" && candidate.turnId === turnId,
      );
      if (state !== "queued" || message === undefined) continue;
      const text = message.content ?? "";
      conversation = addQueued(conversation, { turnId, message: { id: message.id, text } });
    }
    for (const { id: turnId, state } of answer.turns) {
      if (state !== "waiting") continue;
      const asked = answer.approvals.filter((approval) => approval.turnId === turnId);
      conversation = addWaiting(
        conversation,
        turnId,
        asked.map(({ card }) => card),
      );
    }
    if (answer.taint) conversation = addTaint(conversation, answer.taint);
    const openTurnIds = answer.turns.map(({ id }) => id);
    this.#conversations.set(sessionId, markRunning(conversation, openTurnIds));
    this.#changed();
  }

  #take(frame: ServerFrame): void {
    switch (frame.type) {
      case "accepted":
        return this.#takeAccepted(frame);
      case "event":
        return this.#takeEvent(frame);
      case "error":
        return this.#takeError(frame);
      case "decided":
        this.#verdicts.set(frame.approvalId, { kind: "heard" });
        return this.#changed();
      case "welcome":
      case "pong":
      case "going-away":
        return undefined;
      default:
        return frame satisfies never;
    }
  }

  #takeAccepted({ clientMessageId, sessionId, messageId, turnId }: AcceptedFrame): void {
    const message = this.#outbox.find(clientMessageId);
    if (message === undefined) return;
    this.#outbox.remove(clientMessageId);
    if (message.target.kind === "draft") {
      this.#outbox.settleDraft(message.target.draftId, sessionId);
    }
    const { text, mode } = message;
    const queued = { turnId, message: { id: messageId, text }, ...(mode && { mode }) };
    this.#conversations.set(sessionId, addQueued(this.#conversation(sessionId), queued));
    this.#subscribed.add(sessionId);
    this.#options.onNotice({ kind: "message-accepted", target: message.target, sessionId });
    this.#flush();
    this.#changed();
  }

  #takeEvent(frame: EventFrame): void {
    const { sessionId, turnId, event } = frame;
    const before = this.#conversation(sessionId);
    const isAwaited = [...before.queued, ...before.turns].some((each) => each.turnId === turnId);
    const result = applyFrame(before, frame);
    if (result.kind === "ignored") return;
    this.#conversations.set(sessionId, result.conversation);
    if (result.kind === "gap") {
      this.#subscribe(sessionId);
      return;
    }
    if (event.type === "MESSAGES_SNAPSHOT") void this.#syncOpenTurns(sessionId);
    // A turn that no message of ours brought about may begin a branch.
    if (event.type === "RUN_STARTED" && !isAwaited) void this.syncBranch(sessionId);
    const isPause = event.type === "RUN_FINISHED" && event.outcome?.type === "interrupt";
    if (isPause) this.#options.onNotice({ kind: "turn-paused", sessionId, turnId });
    else if (event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") {
      this.#options.onNotice({ kind: "turn-ended", sessionId, turnId });
    }
    this.#changed();
  }

  #takeError({ ref, code, message, retryAfterMs }: ErrorFrame): void {
    if (ref === undefined) return;
    if (this.#outbox.find(ref) !== undefined) {
      const isPassing = PASSING.has(code);
      this.#outbox.setState(
        ref,
        isPassing ? { kind: "delayed" } : { kind: "refused", code, message },
      );
      if (isPassing) this.#later(retryAfterMs ?? BUSY_PAUSE_MS, () => this.#sendAgain(ref));
    } else if (this.#verdicts.has(ref)) {
      this.#verdicts.set(ref, { kind: "refused", message });
    } else if (this.#conversations.has(ref)) {
      this.forget(ref);
      this.#options.onNotice({ kind: "session-missing", sessionId: ref });
    }
    this.#changed();
  }

  #sendAgain(clientMessageId: string): void {
    if (this.#outbox.find(clientMessageId)?.state.kind !== "delayed") return;
    this.#outbox.setState(clientMessageId, { kind: "waiting" });
    this.#flush();
  }

  #flush(): void {
    for (const { clientMessageId, text, target, mode } of this.#outbox.listSendable()) {
      const where = target.kind === "session" ? { sessionId: target.sessionId } : {};
      const how = mode === undefined ? {} : { mode };
      if (!this.#connection.send({ type: "send", clientMessageId, text, ...where, ...how })) return;
      this.#outbox.setState(clientMessageId, { kind: "sent" });
    }
  }

  #conversation(sessionId: string): Conversation {
    const known = this.#conversations.get(sessionId) ?? EMPTY_CONVERSATION;
    this.#conversations.set(sessionId, known);
    return known;
  }

  #later(delayMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }

  #changed(): void {
    this.#options.onNotice({ kind: "changed" });
  }
}
