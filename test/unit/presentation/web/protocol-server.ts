import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type {
  AcceptedFrame,
  ClientFrame,
  EventFrame,
  RunEvent,
  ServerFrame,
} from "../../../../src/presentation/web/protocol.ts";

/**
 * The other end of a real socket: speaks `nexflow.v1` as docs/protocol.md says, keeps sessions in
 * memory and can be told to be silent, to refuse or to break the line.
 */
export class ProtocolServer {
  readonly #server: WebSocketServer;
  /** Stays what it was when the server is gone: a client may still try it. */
  readonly url: string;
  readonly #log = new Map<string, EventFrame[]>();
  readonly #accepted = new Map<string, AcceptedFrame>();
  readonly #followers = new Map<string, Set<WebSocket>>();
  readonly received: ClientFrame[] = [];
  /** Frames given here are answered with what the function returns, or not at all. */
  intercept: (frame: ClientFrame) => readonly ServerFrame[] | undefined = () => undefined;
  onReceived: (frame: ClientFrame) => void = () => undefined;

  private constructor(server: WebSocketServer) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`;
    server.on("connection", (socket) => {
      socket.on("message", (data: Buffer) =>
        this.#take(socket, JSON.parse(data.toString()) as ClientFrame),
      );
    });
  }

  static async open(port = 0): Promise<ProtocolServer> {
    const server = new WebSocketServer({
      port,
      host: "127.0.0.1",
      handleProtocols: (offered) => (offered.has("nexflow.v1") ? "nexflow.v1" : false),
    });
    await once(server, "listening");
    return new ProtocolServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakLines();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }

  /** Ends all connections the hard way. */
  breakLines(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#followers.clear();
  }

  closeLines(code: number): void {
    for (const socket of this.#server.clients) socket.close(code);
  }

  listReceived<T extends ClientFrame["type"]>(type: T): Extract<ClientFrame, { type: T }>[] {
    const isWanted = (frame: ClientFrame): frame is Extract<ClientFrame, { type: T }> =>
      frame.type === type;
    return this.received.filter(isWanted);
  }

  /** Adds an event to a session's log and sends it to who follows the session. */
  publish(sessionId: string, turnId: string, event: RunEvent, epoch = 1): void {
    const log = this.#logOf(sessionId);
    const frame: EventFrame = {
      type: "event",
      sessionId,
      turnId,
      epoch,
      seq: log.length + 1,
      event,
    };
    log.push(frame);
    this.sendRaw(sessionId, frame);
  }

  sendRaw(sessionId: string, frame: ServerFrame): void {
    for (const socket of this.#followers.get(sessionId) ?? []) reply(socket, frame);
  }

  sendAll(frame: ServerFrame): void {
    for (const socket of this.#server.clients) reply(socket, frame);
  }

  #take(socket: WebSocket, frame: ClientFrame): void {
    this.received.push(frame);
    const answers = this.intercept(frame) ?? this.#answer(socket, frame);
    for (const answer of answers) reply(socket, answer);
    this.onReceived(frame);
  }

  #answer(socket: WebSocket, frame: ClientFrame): readonly ServerFrame[] {
    switch (frame.type) {
      case "hello":
        return [{ type: "welcome", userId: "u1" }];
      case "ping":
        return [{ type: "pong", id: frame.id }];
      case "subscribe":
        this.#follow(frame.sessionId, socket);
        return this.#logOf(frame.sessionId).filter(({ seq }) => seq > frame.after);
      case "send":
        return [this.#accept(socket, frame)];
      case "cancel":
        return [];
      case "decide":
        return [{ type: "decided", approvalId: frame.approvalId, state: "granted" }];
      default:
        return frame satisfies never;
    }
  }

  #accept(socket: WebSocket, frame: Extract<ClientFrame, { type: "send" }>): AcceptedFrame {
    const known = this.#accepted.get(frame.clientMessageId);
    const number = this.#accepted.size + 1;
    const sessionId = known?.sessionId ?? frame.sessionId ?? `s${number}`;
    const seq = this.#logOf(sessionId).length;
    const { clientMessageId } = frame;
    const ids = { sessionId, messageId: `m${number}`, turnId: `t${number}`, seq };
    const accepted = known ?? { type: "accepted", clientMessageId, ...ids, duplicate: false };
    this.#accepted.set(clientMessageId, accepted);
    this.#follow(sessionId, socket);
    return { ...accepted, duplicate: known !== undefined };
  }

  #follow(sessionId: string, socket: WebSocket): void {
    const followers = this.#followers.get(sessionId) ?? new Set();
    this.#followers.set(sessionId, followers.add(socket));
  }

  #logOf(sessionId: string): EventFrame[] {
    const log = this.#log.get(sessionId) ?? [];
    this.#log.set(sessionId, log);
    return log;
  }
}

function reply(socket: WebSocket, frame: ServerFrame): void {
  socket.send(JSON.stringify(frame));
}
