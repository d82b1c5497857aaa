import net from "node:net";

const HEAD_END = "\r\n\r\n";

/**
 * HTTP/1.1 over kept-alive sockets of its own, one request at a time on each: as little as there
 * can be between the measuring and the measured program.
 */
export class HttpClient {
  readonly #port: number;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();

  constructor(port: number) {
    this.#port = port;
  }

  /** The body of the answer. Rejects when the connection breaks. */
  async post(body: string): Promise<string> {
    const connection = this.#takeIdle() ?? this.#connect();
    const answer = await connection.request(toRequest(this.#port, body));
    this.#idle.push(connection);
    return answer;
  }

  /** A server closes what rested too long. */
  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isOpen) return connection;
      this.#all.delete(connection);
    }
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #connect(): Connection {
    const connection = new Connection(this.#port);
    this.#all.add(connection);
    return connection;
  }
}

class Connection {
  readonly #socket: net.Socket;
  #received = "";
  #waiting: PromiseWithResolvers<string> | undefined;

  constructor(port: number) {
    this.#socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (text: string) => this.#receive(text));
    this.#socket.on("error", (error) => this.#waiting?.reject(error));
    this.#socket.on("close", () => this.#waiting?.reject(new Error("The connection was closed")));
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  request(text: string): Promise<string> {
    this.#waiting = Promise.withResolvers<string>();
    this.#socket.write(text);
    return this.#waiting.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/imu.exec(head)?.[1] ?? Number.NaN);
    if (!head.startsWith("HTTP/1.1 200 ") || Number.isNaN(length)) {
      this.#waiting?.reject(new Error(`Cannot measure: the answer began with "${head}"`));
      return;
    }
    const body = this.#received.slice(headEnd + HEAD_END.length);
    if (body.length < length) return;
    this.#received = "";
    this.#waiting?.resolve(body);
  }
}

function toRequest(port: number, body: string): string {
  const length = Buffer.byteLength(body);
  return `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${length}${HEAD_END}${body}`;
}
