import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { WebSocket } from "ws";
import type { Logger } from "#application/ports/logger.ts";
import type { Gateway, GatewayOptions } from "#presentation/gateway/gateway.ts";
import { openGateway } from "#presentation/gateway/gateway.ts";
import type { FakeUseCases } from "./fakes/gateway-use-cases.ts";
import { createFakeUseCases, TOKEN } from "./fakes/gateway-use-cases.ts";

export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly useCases: FakeUseCases;
  readonly logged: { readonly fields: object; readonly message: string }[];
  readonly url: string;
}

const WEB_DIR = fileURLToPath(new URL("../fixtures/web", import.meta.url));

/** A gateway on a free port over use cases in memory. */
export async function openTestGateway(
  options: Partial<Omit<GatewayOptions, "log">> = {},
): Promise<TestGateway> {
  const useCases = createFakeUseCases();
  const logged: TestGateway["logged"] = [];
  const note = (fields: object, message: string) => void logged.push({ fields, message });
  const log: Logger = { error: note, warn: note, info: note, debug: note };
  const address = { host: "127.0.0.1", port: 0, webDir: WEB_DIR };
  const gateway = await openGateway(useCases, { ...address, log, ...options });
  const url = `http://127.0.0.1:${gateway.port}`;
  const close = async () => {
    await gateway.close();
    await useCases[Symbol.asyncDispose]();
  };
  return { gateway, useCases, logged, url, [Symbol.asyncDispose]: close };
}

/** Tests get a gateway of their own, closed by the runner. */
export const gatewayTest = test.extend<{ readonly server: TestGateway }>({
  server: async ({ onTestFinished }, use) => {
    const server = await openTestGateway();
    onTestFinished(() => server[Symbol.asyncDispose]());
    await use(server);
  },
});

/** A client's socket with an inbox that can be waited for. */
export class TestClient implements AsyncDisposable {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #waiting: ((frame: Frame) => void)[] = [];
  #taken = 0;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on("message", (data: Buffer) => this.#receive(JSON.parse(data.toString()) as Frame));
    this.closed = new Promise((resolve) => {
      ws.once("close", (code: number, reason: Buffer) =>
        resolve({ code, reason: reason.toString() }),
      );
    });
    // A cut line shows as `close` as well.
    ws.on("error", () => undefined);
  }

  static async open(
    { gateway }: TestGateway,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TestClient> {
    const client = new TestClient(
      new WebSocket(`ws://127.0.0.1:${gateway.port}/ws`, "nexflow.v1", { headers }),
    );
    await once(client.ws, "open");
    return client;
  }

  /** A client that has said hello. */
  static async signIn(server: TestGateway, token = TOKEN): Promise<TestClient> {
    const client = await TestClient.open(server);
    await client.ask({ type: "hello", token });
    return client;
  }

  send(frame: object | string): void {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** The next frame not taken yet. */
  next(): Promise<Frame> {
    const at = this.#taken;
    this.#taken += 1;
    const frame = this.frames[at];
    if (frame !== undefined) return Promise.resolve(frame);
    const { promise, resolve } = Promise.withResolvers<Frame>();
    this.#waiting.push(resolve);
    return promise;
  }

  ask(frame: object | string): Promise<Frame> {
    this.send(frame);
    return this.next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }

  #receive(frame: Frame): void {
    this.frames.push(frame);
    this.#waiting.shift()?.(frame);
  }
}
