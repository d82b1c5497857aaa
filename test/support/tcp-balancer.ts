import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

interface Line {
  readonly client: Socket;
  readonly backend: Socket;
  readonly port: number;
}

/**
 * A balancer as operators put before several instances: each connection goes to the next backend
 * that takes it, and ends with it. Where none takes it, it is closed.
 */
export class TcpBalancer implements AsyncDisposable {
  readonly #ports: readonly number[];
  readonly #lines = new Set<Line>();
  readonly #holes = new Set<number>();
  readonly #out = new Set<number>();
  readonly #server = createServer({ allowHalfOpen: false }, (client) => this.#serve(client));
  #next = 0;
  /** When connections were made to backends, by `performance.now()`. */
  readonly connectedAtMs: number[] = [];

  private constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  /** `port`: left out, a free one. */
  static async open(backendPorts: readonly number[], port = 0): Promise<TcpBalancer> {
    const balancer = new TcpBalancer(backendPorts);
    balancer.#server.listen(port, "127.0.0.1", 4_096);
    await once(balancer.#server, "listening");
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From now on nothing passes to or from a backend, and no connection breaks: a cut network. */
  cutOff(backendPort: number): void {
    this.#holes.add(backendPort);
    for (const line of this.#linesTo(backendPort)) {
      line.client.pause();
      line.backend.pause();
    }
  }

  /** Ends `cutOff`: what was held back passes. */
  reconnect(backendPort: number): void {
    this.#holes.delete(backendPort);
    for (const line of this.#linesTo(backendPort)) {
      line.client.resume();
      line.backend.resume();
    }
  }

  /** As when a backend's health check fails: its connections break, and it gets no more. */
  takeOut(backendPort: number): void {
    this.#out.add(backendPort);
    for (const { client } of this.#linesTo(backendPort)) client.destroy();
  }

  putBack(backendPort: number): void {
    this.#out.delete(backendPort);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const { client, backend } of this.#lines) {
      client.destroy();
      backend.destroy();
    }
    await closed;
  }

  #linesTo(port: number): Line[] {
    return [...this.#lines].filter((line) => line.port === port);
  }

  #serve(client: Socket): void {
    client.setNoDelay(true);
    client.on("error", () => undefined);
    void this.#join(client);
  }

  async #join(client: Socket): Promise<void> {
    for (const port of this.#inTurn()) {
      if (this.#holes.has(port) || this.#out.has(port)) continue;
      const backend = connect({ port, host: "127.0.0.1", noDelay: true });
      backend.on("error", () => undefined);
      const isOpen = await new Promise<boolean>((resolve) => {
        backend.once("connect", () => resolve(true));
        backend.once("close", () => resolve(false));
      });
      if (!isOpen) continue;
      this.connectedAtMs.push(performance.now());
      const line = { client, backend, port };
      this.#lines.add(line);
      backend.once("close", () => {
        this.#lines.delete(line);
        client.destroy();
      });
      client.once("close", () => backend.destroy());
      if (client.destroyed) backend.destroy();
      client.pipe(backend, { end: false });
      backend.pipe(client, { end: false });
      client.once("end", () => backend.destroySoon());
      backend.once("end", () => client.destroySoon());
      return;
    }
    client.destroy();
  }

  #inTurn(): number[] {
    const first = this.#next++ % this.#ports.length;
    return [...this.#ports.slice(first), ...this.#ports.slice(0, first)];
  }
}
