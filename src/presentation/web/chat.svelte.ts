import {
  type Api,
  ApiError,
  type Me,
  type ModelChoice,
  type Note,
  type SessionSummary,
  type SkillSummary,
} from "./api.ts";
import { ChatClient, type ClientNotice, type Verdict } from "./chat-client.ts";
import type { ConnectionState } from "./connection.ts";
import { answerOf, type Conversation, findOpenCards } from "./conversation.ts";
import { type FailureText, toFailureText } from "./failure-text.ts";
import { type OutgoingMessage, type Target, targetKey } from "./outbox.ts";
import type { ApprovalCard, Decision, SendMode } from "./protocol.ts";
import { parseRoute, type Route, toHash } from "./route.ts";
import { openWebSocket } from "./web-socket.ts";

const SESSIONS_PER_PAGE = 50;
const SPOKEN_CHARS = 400;

export interface ChatOptions {
  readonly api: Api;
  readonly me: Me;
  /** The server no longer knows this browser. */
  readonly onSignedOut: () => void;
}

/** What the page shows, kept up to date from the client, the REST answers and the address. */
export class Chat {
  readonly me: Me;
  readonly #api: Api;
  readonly #client: ChatClient;
  readonly #onSignedOut: () => void;
  #isDrawPlanned = false;

  route = $state.raw<Route>({ kind: "new" });
  connection = $state.raw<ConnectionState>({ kind: "connecting" });
  conversation = $state.raw<Conversation | undefined>();
  sessions = $state.raw<readonly SessionSummary[]>([]);
  hasMoreSessions = $state(false);
  skills = $state.raw<readonly SkillSummary[]>([]);
  models = $state.raw<ModelChoice | undefined>();
  /** What is remembered of the user; absent until somebody asks. */
  notes = $state.raw<readonly Note[] | undefined>();
  /** The messages that are pinned in the conversation on show. */
  pins = $state.raw<readonly string[]>([]);
  problem = $state.raw<FailureText | undefined>();
  /** What a screen reader is told, politely. */
  spoken = $state("");
  #outgoing = $state.raw<readonly OutgoingMessage[]>([]);
  #verdicts = $state.raw<ReadonlyMap<string, Verdict>>(new Map());
  #nextPage: string | undefined;
  #draftId = $state<string | undefined>();

  constructor({ api, me, onSignedOut }: ChatOptions) {
    this.me = me;
    this.#api = api;
    this.#onSignedOut = onSignedOut;
    this.#client = new ChatClient({
      userId: me.userId,
      storage: localStorage,
      newId: () => crypto.randomUUID(),
      nowMs: () => Date.now(),
      openSocket: (listener) => openWebSocket(toSocketUrl(location.origin), listener),
      readBranch: (sessionId) => api.readBranch(sessionId),
      listOpenTurns: (sessionId) => api.listOpenTurns(sessionId),
      onNotice: (notice) => this.#onNotice(notice),
    });
    const draft = this.#client.outgoing.find(({ target }) => target.kind === "draft")?.target;
    this.#draftId = draft?.kind === "draft" ? draft.draftId : undefined;
  }

  /** Messages of the conversation on show that the server has not accepted. */
  get outgoing(): readonly OutgoingMessage[] {
    const key = targetKey(this.#target() ?? { kind: "draft", draftId: "" });
    return this.#outgoing.filter(({ target }) => targetKey(target) === key);
  }

  get title(): string {
    const { route } = this;
    if (route.kind === "new") return "New conversation";
    return this.sessions.find(({ id }) => id === route.sessionId)?.title ?? "Conversation";
  }

  get isBusy(): boolean {
    const { conversation } = this;
    if (conversation === undefined) return false;
    return (
      conversation.queued.length > 0 ||
      conversation.turns.some(({ state }) => state.kind === "running" || state.kind === "waiting")
    );
  }

  /** Starts to listen to the server and the browser; the result ends both. */
  start(): () => void {
    const ended = new AbortController();
    const { signal } = ended;
    addEventListener("hashchange", () => this.#show(parseRoute(location.hash)), { signal });
    addEventListener("online", () => this.#client.check(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#client.check(), {
      signal,
    });
    this.#show(parseRoute(location.hash));
    this.#client.start();
    void this.refreshSessions();
    void this.#load(async () => {
      this.skills = await this.#api.listSkills();
    });
    // A page without a choice of models is one as well.
    void this.#api.listModels().then(
      (models) => (this.models = models),
      () => undefined,
    );
    return () => {
      ended.abort();
      this.#client.close();
    };
  }

  send(text: string, mode: SendMode = "queue"): void {
    const message = this.#client.send(text, this.#target(), mode);
    if (message.target.kind === "draft") this.#draftId = message.target.draftId;
  }

  /** What was chosen to answer the conversation on show; `undefined`: the default model. */
  get model(): string | undefined {
    const { route } = this;
    if (route.kind === "new") return undefined;
    return this.sessions.find(({ id }) => id === route.sessionId)?.model;
  }

  /** Has the conversation answered by another model from its next turn on; `null`: the default. */
  async chooseModel(model: string | null): Promise<void> {
    const { route } = this;
    if (route.kind !== "session") return;
    await this.#load(() => this.#api.chooseModel(route.sessionId, model));
    await this.refreshSessions();
  }

  /** Reads what models are told of the user and of the conversation on show, whatever was said. */
  async loadMemory(): Promise<void> {
    const { route } = this;
    await Promise.all([
      this.#load(async () => {
        this.notes = await this.#api.listNotes();
      }),
      route.kind === "session" && this.#loadPins(route.sessionId),
    ]);
  }

  async forget(noteId: string): Promise<void> {
    await this.#load(() => this.#api.deleteNote(noteId));
    await this.loadMemory();
  }

  /** Has models told a message of the conversation on show word for word, or no longer so. */
  async setPinned(messageId: string, isPinned: boolean): Promise<void> {
    const { route } = this;
    if (route.kind !== "session") return;
    await this.#load(async () => {
      try {
        await this.#api.setPinned(route.sessionId, messageId, isPinned);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        // Taken off elsewhere meanwhile.
        if (!isPinned && error.code === "not-found") return;
        if (error.code !== "conflict") throw error;
        this.problem = { title: "This message is not pinned", advice: `${error.message}.` };
      }
    });
    await this.#loadPins(route.sessionId);
  }

  /** Has the message of a turn, or `text` in its place, answered anew. */
  async regenerate(turnId: string, text?: string): Promise<void> {
    const { route } = this;
    if (route.kind !== "session") return;
    await this.#load(async () => {
      await this.#api.regenerate(turnId, text);
      await this.#client.syncBranch(route.sessionId);
    });
  }

  /** Shows the branch through a turn, and goes on with it. */
  async useBranch(turnId: string): Promise<void> {
    const { route } = this;
    if (route.kind !== "session") return;
    await this.#load(async () => {
      await this.#api.useBranch(route.sessionId, turnId);
      await this.#client.reload(route.sessionId);
    });
  }

  discard(clientMessageId: string): void {
    this.#client.discard(clientMessageId);
  }

  stop(): void {
    if (this.route.kind === "session") this.#client.cancel(this.route.sessionId);
  }

  /** The calls on show that wait for somebody's word. */
  get questions(): readonly ApprovalCard[] {
    return this.conversation ? findOpenCards(this.conversation) : [];
  }

  decide(card: ApprovalCard, decision: Decision): void {
    this.#client.decide(card, decision);
  }

  /** How a decision that was made here goes. */
  verdictOf(approvalId: string): Verdict | undefined {
    return this.#verdicts.get(approvalId);
  }

  go(route: Route): void {
    if (route.kind === "new") this.#draftId = undefined;
    location.hash = toHash(route);
  }

  /** Shows the conversation above (-1) or below (1) the one on show. */
  goBy(step: -1 | 1): void {
    const { route } = this;
    const at =
      route.kind === "new" ? -1 : this.sessions.findIndex(({ id }) => id === route.sessionId);
    const next = this.sessions[at + step];
    if (next) this.go({ kind: "session", sessionId: next.id });
    else if (at + step < 0) this.go({ kind: "new" });
  }

  async delete(sessionId: string): Promise<void> {
    await this.#load(async () => {
      try {
        await this.#api.deleteSession(sessionId);
        this.#gone(sessionId);
      } catch (error) {
        if (!(error instanceof ApiError && error.code === "conflict")) throw error;
        this.problem = {
          title: "An answer is being written there",
          advice: "Stop it first, then delete the conversation.",
        };
      }
    });
  }

  async refreshSessions(): Promise<void> {
    await this.#load(async () => {
      const { sessions, nextCursor } = await this.#api.listSessions(SESSIONS_PER_PAGE);
      const ids = new Set(sessions.map(({ id }) => id));
      const oldestMs = sessions.at(-1)?.updatedAtMs ?? 0;
      const older = this.sessions.filter(
        ({ id, updatedAtMs }) => !ids.has(id) && updatedAtMs <= oldestMs,
      );
      if (older.length === 0) this.#pageEndsAt(nextCursor);
      this.sessions = [...sessions, ...older];
    });
  }

  async loadMoreSessions(): Promise<void> {
    await this.#load(async () => {
      const page = await this.#api.listSessions(SESSIONS_PER_PAGE, this.#nextPage);
      const ids = new Set(page.sessions.map(({ id }) => id));
      this.#pageEndsAt(page.nextCursor);
      this.sessions = [...this.sessions.filter(({ id }) => !ids.has(id)), ...page.sessions];
    });
  }

  #pageEndsAt(nextCursor: string | undefined): void {
    this.#nextPage = nextCursor;
    this.hasMoreSessions = nextCursor !== undefined;
  }

  async #loadPins(sessionId: string): Promise<void> {
    await this.#load(async () => {
      const pins = await this.#api.listPins(sessionId).catch((error: unknown) => {
        // That a conversation is gone is the connection's to say, and to say once.
        if (error instanceof ApiError && error.code === "not-found") return [];
        throw error;
      });
      const isShown = this.route.kind === "session" && this.route.sessionId === sessionId;
      if (isShown) this.pins = pins;
    });
  }

  #target(): Target | undefined {
    if (this.route.kind === "session") {
      return { kind: "session", sessionId: this.route.sessionId };
    }
    return this.#draftId === undefined ? undefined : { kind: "draft", draftId: this.#draftId };
  }

  #show(route: Route): void {
    this.route = route;
    this.problem = undefined;
    this.pins = [];
    this.#client.open(route.kind === "session" ? route.sessionId : undefined);
    if (route.kind === "session") void this.#loadPins(route.sessionId);
    this.#refresh();
  }

  #onNotice(notice: ClientNotice): void {
    switch (notice.kind) {
      case "changed":
        this.#planDraw();
        break;
      case "message-accepted":
        this.#onAccepted(notice.target, notice.sessionId);
        break;
      case "turn-paused":
        this.#speakPause(notice.sessionId);
        break;
      case "turn-ended":
        this.#speak(notice.sessionId, notice.turnId);
        void this.refreshSessions();
        break;
      case "session-missing":
        this.#gone(notice.sessionId);
        this.problem = { title: "There is no such conversation", advice: "It may be deleted." };
        break;
      default:
        notice satisfies never;
    }
  }

  #onAccepted(target: Target, sessionId: string): void {
    const isShown = this.route.kind === "new" && target.kind === "draft";
    if (isShown && target.draftId === this.#draftId) {
      this.#draftId = undefined;
      history.replaceState(null, "", toHash({ kind: "session", sessionId }));
      this.#show({ kind: "session", sessionId });
    }
    void this.refreshSessions();
  }

  #gone(sessionId: string): void {
    this.#client.forget(sessionId);
    this.sessions = this.sessions.filter(({ id }) => id !== sessionId);
    if (this.route.kind !== "session" || this.route.sessionId !== sessionId) return;
    history.replaceState(null, "", toHash({ kind: "new" }));
    this.#show({ kind: "new" });
  }

  #speakPause(sessionId: string): void {
    const conversation = this.#client.findConversation(sessionId);
    if (this.route.kind !== "session" || this.route.sessionId !== sessionId) return;
    const tools = conversation ? findOpenCards(conversation).map(({ tool }) => tool) : [];
    this.spoken = `Waits for your approval: ${tools.join(", ")}`;
  }

  #speak(sessionId: string, turnId: string): void {
    if (this.route.kind !== "session" || this.route.sessionId !== sessionId) return;
    const turns = this.#client.findConversation(sessionId)?.turns ?? [];
    const turn = turns.find((known) => known.turnId === turnId);
    if (turn === undefined) return;
    const answer = answerOf(turn).slice(0, SPOKEN_CHARS);
    this.spoken = turn.state.kind === "completed" ? answer : `Answer ${turn.state.kind}. ${answer}`;
  }

  /** However many events arrive, the page is drawn once for each picture the screen shows. */
  #planDraw(): void {
    if (this.#isDrawPlanned) return;
    this.#isDrawPlanned = true;
    requestAnimationFrame(() => this.#refresh());
  }

  #refresh(): void {
    this.#isDrawPlanned = false;
    this.connection = this.#client.connectionState;
    this.#outgoing = this.#client.outgoing;
    this.conversation =
      this.route.kind === "session"
        ? this.#client.findConversation(this.route.sessionId)
        : undefined;
    this.#verdicts = new Map(
      this.questions.flatMap(({ approvalId }) => {
        const verdict = this.#client.findVerdict(approvalId);
        return verdict ? [[approvalId, verdict]] : [];
      }),
    );
    if (this.connection.kind === "unauthorized") this.#onSignedOut();
  }

  async #load(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "unauthorized") this.#onSignedOut();
      // The connection's own state says that nobody answers.
      else if (error.code !== "unreachable")
        this.problem = toFailureText(error.code, error.message);
    }
  }
}

function toSocketUrl(origin: string): string {
  return `${origin.replace(/^http/u, "ws")}/ws`;
}
