import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * A line to a Postgres database that can break at the worst moment: when the database has done
 * what it was asked for and its answer is on the way.
 */
export class PostgresProxy implements AsyncDisposable {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => this.#join(client));
  #marker: string | undefined;
  #isCut = false;
  /** How many answers were lost. */
  lost = 0;

  private constructor(databaseUrl: string) {
    this.#target = new URL(databaseUrl);
  }

  static async open(databaseUrl: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(databaseUrl);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    const url = new URL(this.#target);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** The line over which the next statement that contains `marker` goes breaks before its answer. */
  loseAnswerTo(marker: string): void {
    this.#marker = marker;
  }

  /** From now on nothing passes, and no connection breaks, until `restore`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  restore(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket): void {
    const port = Number(this.#target.port);
    const server = connect({ host: this.#target.hostname, port, noDelay: true });
    client.setNoDelay(true);
    let isDoomed = false;
    client.on("data", (bytes: Buffer) => {
      if (this.#marker !== undefined && bytes.includes(this.#marker)) {
        this.#marker = undefined;
        isDoomed = true;
      }
      server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => {
      if (!isDoomed) {
        client.write(bytes);
        return;
      }
      this.lost += 1;
      client.destroy();
    });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (this.#isCut) socket.pause();
    }
  }
}
