import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Verdict } from "./ask-approval.ts";
import type {
  AcceptedFrame,
  ErrorFrame,
  EventFrame,
  Position,
  ServerFrame,
  ShownCard,
} from "./chat-protocol.ts";
import { CommandError } from "./command-error.ts";
import { unauthorized, unreachable } from "./rest-client.ts";

export interface ChatConnectionOptions {
  readonly url: string;
  readonly token: string;
  /** The message is on the server's disk; what its turn shows comes after this. */
  readonly onAccepted: (turnId: string) => void;
  /** Each event of the session once, in order. */
  readonly onEvent: (frame: EventFrame) => void;
  /** The line broke and is being mended, or holds again. */
  readonly onLine: (state: "broken" | "mended") => void;
}

interface Outgoing {
  readonly clientMessageId: string;
  readonly text: string;
  readonly accepted: PromiseWithResolvers<void>;
}

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
/** After so long without a line the client gives up. */
const PATIENCE_MS = 60_000;
const WELCOME_MS = 10_000;
const UNAUTHORIZED = 4401;

/**
 * One conversation over a line that mends itself: what was not accepted is sent again under its
 * own id, what was missed is asked for by position.
 */
export class ChatConnection {
  readonly #options: ChatConnectionOptions;
  readonly #ended = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  #socket: WebSocket | undefined;
  #position: Position | undefined;
  #outgoing: Outgoing | undefined;
  #deciding:
    | { readonly approvalId: string; readonly decided: PromiseWithResolvers<void> }
    | undefined;
  #pauseMs = 0;

  constructor(options: ChatConnectionOptions) {
    this.#options = options;
    // Whoever waits hears of it; that nobody waits is no error.
    this.#failed.promise.catch(() => undefined);
  }

  get sessionId(): string | undefined {
    return this.#position?.sessionId;
  }

  /** Rejects with `CommandError` when the line is lost for good. */
  get failure(): Promise<never> {
    return this.#failed.promise;
  }

  /** Connects and goes on from `position`. Throws `CommandError` where nobody answers. */
  async open(position?: Position): Promise<void> {
    this.#position = position;
    await this.#connect();
  }

  /** Resolves when the message is on the server's disk. One at a time. */
  async send(text: string): Promise<void> {
    const accepted = Promise.withResolvers<void>();
    this.#outgoing = { clientMessageId: randomUUID(), text, accepted };
    this.#sendOutgoing();
    try {
      await Promise.race([accepted.promise, this.#failed.promise]);
    } finally {
      this.#outgoing = undefined;
    }
  }

  cancel(turnId: string): void {
    this.#put({ type: "cancel", turnId });
  }

  /** Rejects with `CommandError` where it is refused. One at a time. */
  async decide(
    { approvalId, inputHash }: Pick<ShownCard, "approvalId" | "inputHash">,
    decision: Verdict,
  ): Promise<void> {
    const decided = Promise.withResolvers<void>();
    this.#deciding = { approvalId, decided };
    this.#put({ type: "decide", approvalId, inputHash, decision });
    try {
      await Promise.race([decided.promise, this.#failed.promise]);
    } finally {
      this.#deciding = undefined;
    }
  }

  close(): void {
    this.#ended.abort();
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    const { url, token } = this.#options;
    const address = new URL("/ws", url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, "nexflow.v1");
    const welcomed = Promise.withResolvers<void>();
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "hello", token })));
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(String(data)) as ServerFrame;
      if (frame.type === "welcome") welcomed.resolve();
      else this.#take(frame);
    });
    const lose = (error: CommandError) => {
      welcomed.reject(error);
      if (this.#socket === socket) void this.#mend();
    };
    // A line that could not be opened gives an error and no close.
    socket.addEventListener("error", () => lose(unreachable(url)));
    socket.addEventListener("close", ({ code }) =>
      lose(code === UNAUTHORIZED ? unauthorized(url) : unreachable(url)),
    );
    const timer = setTimeout(() => {
      welcomed.reject(unreachable(url));
      socket.close();
    }, WELCOME_MS);
    await welcomed.promise.finally(() => clearTimeout(timer));
    this.#socket = socket;
    this.#resume();
  }

  #resume(): void {
    if (this.#position !== undefined) {
      const { sessionId, seq, epoch } = this.#position;
      this.#put({ type: "subscribe", sessionId, after: seq, epoch });
    }
    this.#sendOutgoing();
  }

  async #mend(): Promise<void> {
    this.#socket = undefined;
    this.#deciding?.decided.reject(new CommandError("lost", "The connection was lost"));
    if (this.#ended.signal.aborted) return;
    this.#options.onLine("broken");
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
        await delay(this.#pauseMs + pauseMs, undefined, { signal: this.#ended.signal });
        this.#pauseMs = 0;
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
        await this.#connect();
        return this.#options.onLine("mended");
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        const isFinal = error instanceof CommandError && error.code === "unauthorized";
        if (isFinal || performance.now() > giveUpAtMs) return this.#failed.reject(error);
      }
    }
  }

  #take(frame: Exclude<ServerFrame, { type: "welcome" }>): void {
    switch (frame.type) {
      case "accepted":
        return this.#takeAccepted(frame);
      case "event":
        return this.#takeEvent(frame);
      case "error":
        return this.#takeError(frame);
      case "decided":
        if (frame.approvalId === this.#deciding?.approvalId) this.#deciding.decided.resolve();
        return;
      case "going-away":
        this.#pauseMs = frame.reconnectAfterMs;
        return;
      default:
        frame satisfies never;
    }
  }

  #takeAccepted(frame: AcceptedFrame): void {
    if (frame.clientMessageId !== this.#outgoing?.clientMessageId) return;
    const { sessionId, turnId, seq } = frame;
    this.#position ??= { sessionId, seq, epoch: undefined };
    this.#options.onAccepted(turnId);
    this.#outgoing.accepted.resolve();
  }

  #takeEvent(frame: EventFrame): void {
    const { sessionId, epoch, seq, event } = frame;
    const known = this.#position;
    if (known !== undefined && known.sessionId !== sessionId) return;
    const isKnown = known !== undefined && known.epoch === epoch && seq <= known.seq;
    if (isKnown && event.type !== "MESSAGES_SNAPSHOT") return;
    this.#position = { sessionId, seq, epoch };
    this.#options.onEvent(frame);
  }

  #takeError({ code, message, retryAfterMs, ref }: ErrorFrame): void {
    const outgoing = this.#outgoing;
    const error = new CommandError(code, message);
    if (ref !== undefined && ref === this.#position?.sessionId) this.#failed.reject(error);
    if (ref !== undefined && ref === this.#deciding?.approvalId)
      this.#deciding.decided.reject(error);
    if (outgoing === undefined || ref !== outgoing.clientMessageId) return;
    if (code === "overloaded" || code === "rate-limited") {
      setTimeout(() => this.#sendOutgoing(), retryAfterMs ?? FIRST_PAUSE_MS);
    } else {
      outgoing.accepted.reject(error);
    }
  }

  #sendOutgoing(): void {
    if (this.#outgoing === undefined) return;
    const { clientMessageId, text } = this.#outgoing;
    this.#put({ type: "send", clientMessageId, text, sessionId: this.#position?.sessionId });
  }

  /** What cannot be sent now is sent by `#resume`, or is void with the line. */
  #put(frame: Readonly<Record<string, unknown>>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}
