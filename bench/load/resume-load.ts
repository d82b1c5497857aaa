import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import type { ResumeOrder, ResumeReport, ResumingClient } from "../resume/clients.ts";

/*
 * A part of the load of the `resume` benchmark, a process of its own: all its clients connect at
 * once, sign in and ask for what they lack. It reports when all have it.
 */

interface Frame {
  readonly type: string;
  readonly seq?: number;
  readonly event?: { readonly type: string };
}

const RETRY_MS = 500;
const GIVE_UP_MS = 60_000;
const HEARD_WITHIN_MS = 10_000;
/** Clients that lack nothing and are asked whether they hear of what comes next. */
const ASKED = 20;

const sockets = new Set<WebSocket>();
let retries = 0;

process.on("message", (order: ResumeOrder) => {
  if (order.kind === "go") void resume(order.url, order.clients);
  else process.exit();
});
process.send?.("ready");

async function resume(url: string, clients: readonly ResumingClient[]): Promise<void> {
  const startedMs = performance.now();
  let signedInMs = 0;
  const onSignedIn = () => {
    signedInMs = performance.now() - startedMs;
  };
  const resumedMs: number[] = [];
  let failed = 0;
  const idle: LiveClient[] = [];
  await Promise.all(
    clients.map(async (client) => {
      const live = new LiveClient(url, client, onSignedIn);
      const isWhole = await Promise.race([live.resumed, after(GIVE_UP_MS, false)]);
      if (!isWhole) failed += 1;
      else if (client.lack === "nothing") idle.push(live);
      else resumedMs.push(performance.now() - startedMs);
    }),
  );
  const allMs = performance.now() - startedMs;
  const asked = idle.slice(0, ASKED);
  const heard = await Promise.all(asked.map((live) => live.hearsOfTurn()));
  const report: ResumeReport = {
    resumedMs,
    signedInMs,
    allMs,
    retries,
    failed,
    heard: heard.filter(Boolean).length,
    asked: asked.length,
  };
  process.send?.(report);
}

class LiveClient {
  readonly #url: string;
  readonly #client: ResumingClient;
  readonly #onSignedIn: () => void;
  readonly #resumed = Promise.withResolvers<boolean>();
  #socket: WebSocket | undefined;
  #seq: number;
  #onTurnEnd: (() => void) | undefined;

  constructor(url: string, client: ResumingClient, onSignedIn: () => void) {
    this.#url = url;
    this.#client = client;
    this.#onSignedIn = onSignedIn;
    this.#seq = client.after;
    this.#connect();
  }

  /** Fulfilled when the client has all it lacked: whether it got exactly that. */
  get resumed(): Promise<boolean> {
    return this.#resumed.promise;
  }

  /** Begins a turn and tells whether the socket that has resumed hears of its end. */
  async hearsOfTurn(): Promise<boolean> {
    const { sessionId } = this.#client;
    const ended = new Promise<boolean>((resolve) => {
      this.#onTurnEnd = () => resolve(true);
    });
    const clientMessageId = randomUUID();
    this.#send({ type: "send", clientMessageId, text: "hello", sessionId });
    return Promise.race([ended, after(HEARD_WITHIN_MS, false)]);
  }

  #connect(): void {
    const { localAddress } = this.#client;
    const address = `${this.#url.replace(/^http/u, "ws")}/ws`;
    const socket = new WebSocket(address, "nexflow.v1", { perMessageDeflate: false, localAddress });
    this.#socket = socket;
    sockets.add(socket);
    socket.once("open", () => this.#send({ type: "hello", token: this.#client.token }));
    socket.on("message", (data: Buffer) => this.#take(JSON.parse(data.toString()) as Frame));
    socket.once("error", () => {
      retries += 1;
      sockets.delete(socket);
      setTimeout(() => this.#connect(), RETRY_MS * (0.5 + Math.random()));
    });
  }

  #take(frame: Frame): void {
    const { sessionId, after: from, epoch, lack } = this.#client;
    if (frame.type === "welcome") {
      this.#onSignedIn();
      this.#send({ type: "subscribe", sessionId, after: from, epoch });
      if (lack === "nothing") this.#resumed.resolve(true);
    } else if (frame.type === "event") this.#takeEvent(frame);
    else if (frame.type === "error") this.#resumed.resolve(false);
  }

  #takeEvent({ seq = 0, event }: Frame): void {
    const { lack, headSeq } = this.#client;
    if (event?.type === "MESSAGES_SNAPSHOT") this.#resumed.resolve(lack === "too-much");
    else if (seq !== this.#seq + 1) this.#resumed.resolve(false);
    this.#seq = seq;
    if (seq === headSeq) this.#resumed.resolve(lack === "events");
    if (event?.type === "RUN_FINISHED") this.#onTurnEnd?.();
  }

  #send(frame: unknown): void {
    this.#socket?.send(JSON.stringify(frame));
  }
}

function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(value), ms).unref();
  });
}
