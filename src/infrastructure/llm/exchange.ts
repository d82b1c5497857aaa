import type { Dispatcher } from "undici";
import { readRetryAfter } from "./retry-after.ts";

/** How much waits here for a slow reader before the service is made to wait. */
const MAX_WAITING_BYTES = 262_144;
/** How much of an error is read. */
const MAX_REFUSAL_BYTES = 65_536;
/** What a service may still send behind the end of an answer, for its connection to be kept. */
const MAX_LEFT_BYTES = 65_536;
const MAX_LEFT_MS = 1_000;

/** A status that is no success, with the beginning of what the service said. */
export class ServiceRefusal extends Error {
  override readonly name = "ServiceRefusal";
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly body: string;

  constructor(status: number, retryAfterMs: number | undefined, body: string) {
    super("The service refused");
    this.status = status;
    this.retryAfterMs = retryAfterMs;
    this.body = body;
  }
}

/** A connection that could not be made or broke. */
export class BrokenLine extends Error {
  override readonly name = "BrokenLine";
  /** The system's word for it, as `ECONNREFUSED`. */
  readonly reason: string;

  constructor(error: Error) {
    // SDKs look into messages for what they take for a time limit of their own.
    super("The connection broke");
    const code = "code" in error ? error.code : undefined;
    this.reason = typeof code === "string" ? code : error.name;
  }
}

/** An answer of a service: what SDKs look at, and the body as it comes. */
export class ServiceResponse extends Response {
  readonly exchange: Exchange;

  constructor(exchange: Exchange, init: ResponseInit) {
    super(null, init);
    this.exchange = exchange;
  }
}

/** One request and its answer, taken straight from the connection: streams cost more than tokens. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #head = Promise.withResolvers<ServiceResponse>();
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.abort();
  #controller: Dispatcher.DispatchController | undefined;
  #state: "open" | "ended" | "failed" | "left" = "open";
  #error: unknown;
  #refusal: { status: number; retryAfterMs: number | undefined } | undefined;
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #wake: (() => void) | undefined;
  #hurry: (() => void) | undefined;
  #leaving: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Rejects with `ServiceRefusal` where the service did. */
  get response(): Promise<ServiceResponse> {
    return this.#head.promise;
  }

  /**
   * What has come; `undefined` at the end. Looks only after `gatherMs`, unless there is reason to
   * look before: what comes in pieces is cheaper to deal with together. Rejects where the
   * connection breaks.
   */
  async read(gatherMs = 0): Promise<Buffer | undefined> {
    if (gatherMs > 0 && this.#canWait) await this.#gather(gatherMs);
    while (this.#chunks.length === 0 && this.#state === "open") {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const [first, ...more] = this.#chunks.splice(0);
    if (first === undefined) {
      if (this.#state === "failed") throw this.#error;
      return undefined;
    }
    this.#waitingBytes = 0;
    if (this.#controller?.paused) this.#controller.resume();
    return more.length === 0 ? first : Buffer.concat([first, ...more]);
  }

  get #canWait(): boolean {
    return this.#state === "open" && this.#controller?.paused !== true;
  }

  #gather(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Hangs up. */
  abort(): void {
    this.#fail(this.#signal.reason ?? new Error("The answer is not wanted any more"));
    this.#controller?.abort(new Error("The answer is not wanted any more"));
  }

  /** Nothing more is read. Keeps the connection, if the service comes to its end soon. */
  leave(): void {
    if (this.#state !== "open") return;
    this.#state = "left";
    this.#waitingBytes = 0;
    this.#controller?.resume();
    this.#leaving = setTimeout(() => this.abort(), MAX_LEFT_MS).unref();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === "failed") controller.abort(new Error("The answer is not wanted any more"));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    if (status >= 300) {
      this.#refusal = { status, retryAfterMs: readRetryAfter(headers, Date.now()) };
      return;
    }
    const contentType = headers["content-type"];
    this.#head.resolve(
      new ServiceResponse(this, {
        // 204 and 205 may not have the body that every answer gets.
        status: 200,
        headers: typeof contentType === "string" ? { "content-type": contentType } : {},
      }),
    );
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#waitingBytes += chunk.length;
    if (this.#state === "left") {
      if (this.#waitingBytes > MAX_LEFT_BYTES) this.abort();
      return;
    }
    this.#chunks.push(chunk);
    if (this.#refusal !== undefined) {
      if (this.#waitingBytes > MAX_REFUSAL_BYTES) this.#refuse(this.#refusal);
      return;
    }
    if (this.#waitingBytes > MAX_WAITING_BYTES && !controller.paused) {
      controller.pause();
      this.#hurry?.();
    }
    this.#stir();
  }

  onResponseEnd(): void {
    if (this.#refusal !== undefined) this.#refuse(this.#refusal);
    if (this.#state === "open") this.#state = "ended";
    this.#close();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(new BrokenLine(error));
  }

  #refuse({ status, retryAfterMs }: { status: number; retryAfterMs: number | undefined }): void {
    const body = Buffer.concat(this.#chunks).toString("utf8", 0, MAX_REFUSAL_BYTES);
    this.#head.reject(new ServiceRefusal(status, retryAfterMs, body));
    this.abort();
  }

  #fail(error: unknown): void {
    if (this.#state === "open") {
      this.#state = "failed";
      this.#error = error;
      this.#head.reject(error);
    }
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#leaving);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#hurry?.();
    this.#stir();
  }

  #stir(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
