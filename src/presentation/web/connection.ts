import { type ClientFrame, parseServerFrame, type ServerFrame } from "./protocol.ts";

/** An open line, as a `Connection` uses it. */
export interface Socket {
  send(text: string): void;
  /** Nothing is heard of the socket after this. */
  close(): void;
}

export interface SocketListener {
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onClose: (code: number) => void;
}

export type ConnectionState =
  | { readonly kind: "connecting" }
  | { readonly kind: "online" }
  /** The line broke; the next attempt is planned. */
  | { readonly kind: "waiting"; readonly attempt: number }
  /** The server does not know us: sign in again. */
  | { readonly kind: "unauthorized" }
  | { readonly kind: "closed" };

export interface ConnectionOptions {
  readonly openSocket: (listener: SocketListener) => Socket;
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onState: (state: ConnectionState) => void;
  /** From 0 up to and without 1. */
  readonly random?: () => number;
  readonly timing?: Partial<ConnectionTiming>;
}

export interface ConnectionTiming {
  /** The longest first pause; each failure doubles it. */
  readonly firstPauseMs: number;
  readonly maxPauseMs: number;
  readonly pingEveryMs: number;
  /** A server that has not welcomed us or answered a ping for so long is gone. */
  readonly patienceMs: number;
}

const DEFAULT_TIMING: ConnectionTiming = {
  firstPauseMs: 500,
  maxPauseMs: 15_000,
  pingEveryMs: 20_000,
  patienceMs: 10_000,
};

const UNAUTHORIZED = 4401;

/**
 * One line to the server that mends itself: says hello, watches that the other side lives, and
 * after a break connects again, later each time and never in step with other clients.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #timing: ConnectionTiming;
  #state: ConnectionState = { kind: "closed" };
  #socket: Socket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #pingId = 0;
  #plannedPauseMs: number | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Connects now, whatever was planned. */
  start(): void {
    this.#drop();
    this.#change({ kind: "connecting" });
    this.#socket = this.#options.openSocket({
      onOpen: () => this.#socket?.send(toText({ type: "hello" })),
      onText: (text) => this.#take(text),
      onClose: (code) => this.#lost(code),
    });
    this.#after(this.#timing.patienceMs, () => this.#lost());
  }

  stop(): void {
    this.#drop();
    this.#change({ kind: "closed" });
  }

  /** The world has changed (network back, page shown): find out now whether the line holds. */
  check(): void {
    if (this.#state.kind === "waiting") this.start();
    if (this.#state.kind === "online") this.#ping();
  }

  /** Sends a frame, or gives false where nobody would hear it. */
  send(frame: ClientFrame): boolean {
    if (this.#state.kind !== "online" || this.#socket === undefined) return false;
    this.#socket.send(toText(frame));
    return true;
  }

  #take(text: string): void {
    const frame = parseServerFrame(text);
    if (frame === undefined) return;
    if (frame.type === "going-away") this.#plannedPauseMs = frame.reconnectAfterMs;
    if (frame.type === "welcome") this.#toOnline();
    if (frame.type === "pong") this.#restUntilPing();
    this.#options.onFrame(frame);
  }

  #toOnline(): void {
    this.#attempt = 0;
    this.#plannedPauseMs = undefined;
    this.#change({ kind: "online" });
    this.#restUntilPing();
  }

  #restUntilPing(): void {
    this.#after(this.#timing.pingEveryMs, () => this.#ping());
  }

  #ping(): void {
    this.send({ type: "ping", id: ++this.#pingId });
    this.#after(this.#timing.patienceMs, () => this.#lost());
  }

  #lost(code?: number): void {
    this.#drop();
    if (code === UNAUTHORIZED) return this.#change({ kind: "unauthorized" });
    this.#attempt += 1;
    this.#change({ kind: "waiting", attempt: this.#attempt });
    this.#after(this.#nextPauseMs(), () => this.start());
  }

  #nextPauseMs(): number {
    const { firstPauseMs, maxPauseMs } = this.#timing;
    const mostMs = Math.min(maxPauseMs, firstPauseMs * 2 ** (this.#attempt - 1));
    const random = this.#options.random ?? Math.random;
    const plannedMs = this.#plannedPauseMs ?? 0;
    this.#plannedPauseMs = undefined;
    return plannedMs + (mostMs / 2) * (1 + random());
  }

  /** Lets go of socket and timer; nothing they do is heard any more. */
  #drop(): void {
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = undefined;
  }

  #after(delayMs: number, action: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delayMs);
  }

  #change(state: ConnectionState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

function toText(frame: ClientFrame): string {
  return JSON.stringify(frame);
}
