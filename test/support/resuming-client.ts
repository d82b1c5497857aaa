import { randomUUID } from "node:crypto";
import { type AcceptedFrame, ChatClient, type EventFrame } from "./chat-client.ts";

/** What a client knows of a message it sent. */
export interface SentMessage {
  readonly clientMessageId: string;
  readonly text: string;
  /** Every `accepted` it got for it, in order. */
  readonly accepted: AcceptedFrame[];
}

const FIRST_PAUSE_MS = 25;

/**
 * One conversation that survives any server: sends one message after the other, reconnects when
 * the line breaks, sends again what was not accepted and resumes with (epoch, seq).
 */
export class ResumingClient {
  readonly sent: SentMessage[] = [];
  /** Texts of assistant messages as this client put them together, by message id. */
  readonly texts = new Map<string, string>();
  /** Turns whose end was seen; the end must come once. */
  readonly ends = new Map<string, number>();
  /** What no server may do to a client. */
  readonly faults: string[] = [];
  sessionId: string | undefined;
  reconnects = 0;
  /** When it was to try to connect, by `performance.now()`; a process that is late tries then. */
  readonly triedAtMs: number[] = [];
  /** When it was welcomed. */
  readonly connectedAtMs: number[] = [];
  /** Called whenever an answer has ended. */
  onEnd: () => void = () => undefined;
  #position: { readonly epoch: number; readonly seq: number } | undefined;
  readonly #url: string;
  readonly #token: string;
  readonly #maxPauseMs: number;

  /** `maxPauseMs`: how long it waits at most before it tries again; each failure doubles it. */
  constructor(url: string, token: string, maxPauseMs = FIRST_PAUSE_MS) {
    this.#url = url;
    this.#token = token;
    this.#maxPauseMs = maxPauseMs;
  }

  /** Sends texts, each when the one before was answered, until `isOver`. */
  async converse(nextText: () => string, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.exchange(nextText());
      this.onEnd();
    }
    await this.close();
  }

  /** Sends a text and stays with it, over any number of connections, until it was answered. */
  async exchange(text: string): Promise<void> {
    const message = { clientMessageId: randomUUID(), text, accepted: [] };
    this.sent.push(message);
    while (!(await this.#tryExchange(message))) this.reconnects += 1;
  }

  /** Says nothing and stays connected, over any number of connections, until `over`. */
  async rest(over: Promise<unknown>): Promise<void> {
    let isOver = false;
    void over.then(() => (isOver = true));
    while (!isOver) {
      try {
        const client = await this.#connected();
        // The answer to a ping ends the reading: nobody else may read meanwhile.
        void over.then(() => client.sendFrame({ type: "ping", id: "over" }));
        await this.#until(client, () => isOver);
      } catch {
        await this.#pause();
      }
    }
  }

  async close(): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
    this.#client = undefined;
  }

  #client: ChatClient | undefined;
  #read = 0;
  #plannedPauseMs: number | undefined;
  #dueAtMs: number | undefined;
  /** In a row. */
  #failures = 0;

  /** True when the answer has ended; false where the line broke before. */
  async #tryExchange(message: SentMessage): Promise<boolean> {
    try {
      const client = await this.#connected();
      const { clientMessageId, text } = message;
      const sessionId = this.sessionId;
      client.sendFrame({ type: "send", clientMessageId, text, ...(sessionId && { sessionId }) });
      const accepted = await this.#until(client, (frame): frame is AcceptedFrame => {
        return frame.type === "accepted" && frame.clientMessageId === clientMessageId;
      });
      message.accepted.push(accepted);
      this.sessionId = accepted.sessionId;
      if (this.ends.has(accepted.turnId)) return true;
      await this.#until(client, (frame) => {
        return frame.type === "event" && this.ends.has(accepted.turnId);
      });
      return true;
    } catch {
      await this.#pause();
      return false;
    }
  }

  /** The line broke: after a moment, or after as long as the server asked for. */
  async #pause(): Promise<void> {
    await this.close();
    const mostMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, this.#maxPauseMs);
    const pauseMs = this.#plannedPauseMs ?? mostMs * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#plannedPauseMs = undefined;
    this.#dueAtMs = performance.now() + pauseMs;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }

  async #connected(): Promise<ChatClient> {
    if (this.#client !== undefined) return this.#client;
    this.triedAtMs.push(this.#dueAtMs ?? performance.now());
    this.#dueAtMs = undefined;
    const client = await ChatClient.open(this.#url, this.#token);
    this.#client = client;
    this.connectedAtMs.push(performance.now());
    this.#failures = 0;
    this.#read = 0;
    if (this.sessionId !== undefined) {
      const { epoch, seq } = this.#position ?? {};
      const sessionId = this.sessionId;
      client.sendFrame({ type: "subscribe", sessionId, after: seq ?? 0, ...(epoch && { epoch }) });
    }
    return client;
  }

  /** Takes in frames up to and including the first that fits. */
  async #until<T extends ChatClient["frames"][number]>(
    client: ChatClient,
    fits:
      | ((frame: ChatClient["frames"][number]) => frame is T)
      | ((frame: ChatClient["frames"][number]) => boolean),
  ): Promise<T> {
    for (;;) {
      const frame = await client.find(() => true, this.#read);
      this.#read += 1;
      if (frame.type === "error") throw new Error(`${frame.code}: ${frame.message}`);
      if (frame.type === "event") this.#take(frame);
      if (frame.type === "going-away") this.#plannedPauseMs = frame.reconnectAfterMs;
      if (fits(frame)) return frame as T;
    }
  }

  #take({ epoch, seq, turnId, event }: EventFrame): void {
    if (event.type === "MESSAGES_SNAPSHOT") {
      this.texts.clear();
      for (const message of event.messages) {
        if (message.role === "assistant") this.texts.set(message.id, message.content ?? "");
      }
      for (const { id, state } of event.metadata.turns) {
        if (state !== "queued" && state !== "running") this.ends.set(id, 1);
      }
    } else {
      const last = this.#position;
      if (last !== undefined && epoch === last.epoch && seq <= last.seq) return;
      if (last !== undefined && epoch === last.epoch && seq !== last.seq + 1) {
        this.faults.push(`${this.sessionId}: ${last.seq} was followed by ${seq}`);
      }
      if (event.type === "TEXT_MESSAGE_START") this.texts.set(event.messageId, "");
      if (event.type === "TEXT_MESSAGE_CONTENT") {
        this.texts.set(event.messageId, (this.texts.get(event.messageId) ?? "") + event.delta);
      }
      if (event.type === "RUN_FINISHED" || event.type === "RUN_ERROR") {
        this.ends.set(turnId, (this.ends.get(turnId) ?? 0) + 1);
      }
    }
    this.#position = { epoch, seq };
  }
}
