import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";

/** The frames of docs/protocol.md as a client meets them. */
export interface AcceptedFrame {
  readonly type: "accepted";
  readonly clientMessageId: string;
  readonly sessionId: string;
  readonly messageId: string;
  readonly turnId: string;
  readonly seq: number;
  readonly duplicate: boolean;
}

export interface EventFrame {
  readonly type: "event";
  readonly sessionId: string;
  readonly turnId: string;
  readonly epoch: number;
  readonly seq: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- an AG-UI event as it came over the wire
  readonly event: any;
}

export type ServerFrame =
  | AcceptedFrame
  | EventFrame
  | { readonly type: "welcome"; readonly userId: string }
  | {
      readonly type: "error";
      readonly code: string;
      readonly message: string;
      readonly ref?: string;
    }
  | { readonly type: "pong"; readonly id: string | number }
  | { readonly type: "going-away"; readonly reconnectAfterMs: number };

interface SendOptions {
  readonly sessionId?: string;
  readonly clientMessageId?: string;
  readonly mode?: "queue" | "steer" | "interrupt";
}

const END_EVENTS = new Set(["RUN_FINISHED", "RUN_ERROR"]);

interface Snapshot {
  readonly messages: readonly {
    readonly role: string;
    readonly turnId: string;
    readonly content?: string;
  }[];
}

function saidIn({ messages }: Snapshot, turnId: string): string {
  return messages
    .filter((message) => message.role === "assistant" && message.turnId === turnId)
    .map(({ content }) => content ?? "")
    .join("");
}

/** A client that was written from docs/protocol.md and keeps every frame it got. */
export class ChatClient implements AsyncDisposable {
  readonly frames: ServerFrame[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  closeCode: number | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString("utf8")) as ServerFrame);
      this.#wake();
    });
    socket.on("close", (code) => {
      this.closeCode = code;
      this.#wake();
    });
    socket.on("error", () => undefined);
  }

  /** Connects and signs in. Rejects where the server does not answer with `welcome`. */
  static async open(url: string, token: string): Promise<ChatClient> {
    const socket = new WebSocket(`${url.replace(/^http/u, "ws")}/ws`, "nexflow.v1");
    const client = new ChatClient(socket);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    client.sendFrame({ type: "hello", token });
    await client.find((frame) => frame.type === "welcome");
    return client;
  }

  sendFrame(frame: unknown): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Sends a message and waits until it is accepted. */
  async send(text: string, options: SendOptions = {}) {
    const { clientMessageId = randomUUID(), ...rest } = options;
    const from = this.frames.length;
    this.sendFrame({ type: "send", clientMessageId, text, ...rest });
    return this.find(
      (frame): frame is AcceptedFrame =>
        frame.type === "accepted" && frame.clientMessageId === clientMessageId,
      from,
    );
  }

  /** Sends a message and waits for the end of its turn: its events and its text. */
  async ask(text: string, options: { sessionId?: string } = {}) {
    const accepted = await this.send(text, options);
    await this.findEnd(accepted.turnId);
    return {
      ...accepted,
      events: this.eventsOf(accepted.turnId),
      text: this.textOf(accepted.turnId),
    };
  }

  findEnd(turnId: string): Promise<EventFrame> {
    return this.find(
      (frame): frame is EventFrame =>
        frame.type === "event" && frame.turnId === turnId && END_EVENTS.has(frame.event.type),
    );
  }

  eventsOf(turnId: string): EventFrame[] {
    return this.frames.filter(
      (frame): frame is EventFrame => frame.type === "event" && frame.turnId === turnId,
    );
  }

  /** What the agent has said in a turn. A snapshot replaces what was told before it. */
  textOf(turnId: string): string {
    const { sessionId } = this.eventsOf(turnId)[0] ?? {};
    let text = "";
    for (const frame of this.frames) {
      if (frame.type !== "event" || frame.sessionId !== sessionId) continue;
      const { event } = frame;
      if (event.type === "MESSAGES_SNAPSHOT") text = saidIn(event, turnId);
      else if (frame.turnId === turnId && event.type === "TEXT_MESSAGE_CONTENT") {
        text += event.delta;
      }
    }
    return text;
  }

  /** The first frame (from index `from` on) that fits, now or when it comes. */
  async find<T extends ServerFrame>(
    fits: (frame: ServerFrame) => frame is T,
    from?: number,
  ): Promise<T>;
  async find(fits: (frame: ServerFrame) => boolean, from?: number): Promise<ServerFrame>;
  async find(fits: (frame: ServerFrame) => boolean, from = 0): Promise<ServerFrame> {
    for (let at = from; ; at++) {
      while (at >= this.frames.length) await this.#next();
      const frame = this.frames[at] as ServerFrame;
      if (fits(frame)) return frame;
    }
  }

  async closed(): Promise<number> {
    while (this.closeCode === undefined) await new Promise<void>((wake) => this.#waiting.add(wake));
    return this.closeCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.closed();
  }

  async #next(): Promise<void> {
    if (this.closeCode !== undefined) throw new Error(`The socket was closed (${this.closeCode})`);
    await new Promise<void>((wake) => this.#waiting.add(wake));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
