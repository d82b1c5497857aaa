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
  /** What has to be said on one line, one after the other, for its answer to get lost. */
  #markers: readonly string[] = [];
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

  /**
   * The first line over which statements go that contain these markers, one after the other, breaks
   * before the answer to the last of them.
   */
  loseAnswerTo(...markers: readonly string[]): void {
    this.#markers = markers;
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
    let said = 0;
    client.on("data", (bytes: Buffer) => {
      const marker = this.#markers[said];
      if (marker !== undefined && bytes.includes(marker)) said += 1;
      if (said > 0 && said === this.#markers.length) {
        this.#markers = [];
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
