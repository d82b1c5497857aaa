import {
  type Bus,
  type BusListener,
  type BusMessage,
  type BusNotice,
  parseBusMessage,
} from "#application/ports/bus.ts";
import type { Logger } from "#application/ports/logger.ts";
import { isDropped } from "../failpoints/failpoints.ts";
import { newId } from "../ids/ids.ts";
import { envelopeOf, Outbox, type OutboxLimits } from "./outbox.ts";
import { PartJoiner } from "./parts.ts";

/** A connection that brings payloads to all who have such a link, the sender included. */
export interface Link {
  /** Sends in order; rejects where that failed, be it in part. */
  send(payloads: readonly string[]): Promise<void>;
  /** Never rejects; whatever was not sent is lost. */
  close(): Promise<void>;
}

export interface LinkListener {
  readonly onPayload: (payload: string) => void;
  /** The link is of no use any more. May come more than once, also before the link is there. */
  readonly onLost: (error: unknown) => void;
}

export interface LinkBusOptions {
  /** Where messages go through, for people: "Postgres", "Redis". */
  readonly name: string;
  /** Opens a link, or rejects, in bounded time. */
  readonly openLink: (listener: LinkListener) => Promise<Link>;
  readonly limits: OutboxLimits;
  /** The least time between two sendings. */
  readonly intervalMs: number;
  readonly log: Logger;
  /** How often the bus sends itself something, and how long it waits for it. */
  readonly beatMs?: number;
  readonly beatTimeoutMs?: number;
}

const BEAT_MS = 10_000;
const BEAT_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 5_000;
/** How long closing waits for what is still to be sent. */
const LAST_WORDS_MS = 1_000;
const LOG_EVERY_MS = 60_000;

/**
 * A bus over links that may break: it opens another one then, for as long as it takes. Every link
 * is proven by sending itself a payload and having it back, at first and ever again, since some
 * break without a word, and some never bring anything (LISTEN through a transaction pooler).
 */
export class LinkBus implements Bus {
  readonly isShared = true;
  readonly #options: LinkBusOptions;
  readonly #sender = newId();
  readonly #outbox: Outbox;
  readonly #joiner = new PartJoiner();
  readonly #listeners = new Set<BusListener>();
  /** The link that is proven and in use. */
  #link: Link | undefined;
  #trouble: string | undefined;
  #isClosed = false;
  /** Goes up with each link that is tried: what earlier ones still say does not count. */
  #attempt = 0;
  #beat = Promise.withResolvers<void>();
  #sending: Promise<void> | undefined;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #beatTimer: ReturnType<typeof setTimeout> | undefined;
  #lastFlushMs = Number.NEGATIVE_INFINITY;
  #lastLogMs = Number.NEGATIVE_INFINITY;
  readonly #closing = new AbortController();

  private constructor(options: LinkBusOptions) {
    this.#options = options;
    this.#outbox = new Outbox(this.#sender, options.limits);
  }

  /** Rejects where no link can be had now. */
  static async open(options: LinkBusOptions): Promise<LinkBus> {
    const bus = new LinkBus(options);
    await bus.#connect();
    return bus;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  publish(message: BusMessage): void {
    if (this.#isClosed || isDropped("bus:publish")) return;
    // Without a link only what is short and stays true is worth keeping.
    if (message.kind === "frames" && this.#link === undefined) return;
    this.#outbox.add(message);
    this.#flushSoon();
  }

  listen(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.abort();
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#beatTimer);
    const link = this.#link;
    this.#link = undefined;
    this.#listeners.clear();
    if (link === undefined) return;
    await Promise.race([this.#sendLast(link), after(LAST_WORDS_MS)]);
    await link.close();
  }

  async #sendLast(link: Link): Promise<void> {
    await this.#sending;
    const payloads = this.#outbox.take();
    if (payloads.length > 0) await link.send(payloads).catch(() => undefined);
  }

  async #connect(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    const link = await this.#options.openLink({
      onPayload: (payload) => attempt === this.#attempt && this.#take(payload),
      onLost: (error) => {
        lost.reject(error);
        this.#lose(attempt, error);
      },
    });
    try {
      await Promise.race([this.#prove(link), lost.promise]);
    } catch (error) {
      await link.close();
      throw error;
    }
    if (this.#isClosed) {
      await link.close();
      return;
    }
    this.#link = link;
    this.#trouble = undefined;
    this.#proveLater(attempt);
    if (!this.#outbox.isEmpty) this.#flushSoon();
  }

  async #prove(link: Link): Promise<void> {
    const { name, beatTimeoutMs = BEAT_TIMEOUT_MS } = this.#options;
    this.#beat = Promise.withResolvers();
    const arrived = this.#beat.promise;
    const deadline = after(beatTimeoutMs).then(() => {
      throw new Error(`Nothing came back over ${name} within ${beatTimeoutMs} ms`);
    });
    deadline.catch(() => undefined);
    await Promise.race([link.send([`${envelopeOf(this.#sender)}}`]).then(() => arrived), deadline]);
  }

  #proveLater(attempt: number): void {
    this.#beatTimer = setTimeout(() => {
      const link = this.#link;
      if (link === undefined || attempt !== this.#attempt) return;
      this.#prove(link).then(
        () => attempt === this.#attempt && this.#link && this.#proveLater(attempt),
        (error: unknown) => this.#lose(attempt, error),
      );
    }, this.#options.beatMs ?? BEAT_MS);
    this.#beatTimer.unref();
  }

  #lose(attempt: number, error: unknown): void {
    const link = this.#link;
    if (link === undefined || attempt !== this.#attempt) return;
    this.#link = undefined;
    clearTimeout(this.#beatTimer);
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    this.#outbox.dropFrames();
    const { name, log } = this.#options;
    this.#trouble = `No connection to the other instances over ${name}: they are told nothing until they look by themselves`;
    if (this.#mayLog()) log.warn({ bus: name, error }, "The bus is gone; connecting anew");
    void link.close();
    void this.#reconnect();
  }

  /** Never rejects. */
  async #reconnect(): Promise<void> {
    const { name, log } = this.#options;
    const startedMs = performance.now();
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_RETRY_MS)) {
      await after(waitMs * (0.5 + Math.random() / 2), this.#closing.signal);
      if (this.#isClosed) return;
      try {
        await this.#connect();
        break;
      } catch (error) {
        if (this.#mayLog()) log.warn({ bus: name, error }, "The bus cannot be reached");
      }
    }
    if (this.#isClosed) return;
    const goneMs = Math.round(performance.now() - startedMs);
    log.info({ bus: name, goneMs }, "The bus is back");
    this.#tell({ kind: "reconnected" });
  }

  #mayLog(): boolean {
    if (performance.now() - this.#lastLogMs < LOG_EVERY_MS) return false;
    this.#lastLogMs = performance.now();
    return true;
  }

  #flushSoon(): void {
    if (this.#flushTimer !== undefined || this.#sending !== undefined) return;
    if (this.#link === undefined) return;
    const waitMs = Math.max(0, this.#lastFlushMs + this.#options.intervalMs - performance.now());
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flush();
    }, waitMs);
  }

  #flush(): void {
    const link = this.#link;
    if (link === undefined) return;
    const attempt = this.#attempt;
    this.#lastFlushMs = performance.now();
    this.#sending = link
      .send(this.#outbox.take())
      .catch((error: unknown) => this.#lose(attempt, error))
      .finally(() => {
        this.#sending = undefined;
        if (!this.#outbox.isEmpty) this.#flushSoon();
      });
    const dropped = this.#outbox.takeDropped();
    if (dropped > 0 && this.#mayLog()) {
      this.#options.log.info({ bus: this.#options.name, dropped }, "Too much for the bus");
    }
  }

  #take(payload: string): void {
    if (payload.startsWith(envelopeOf(this.#sender))) {
      this.#beat.resolve();
      return;
    }
    const { from, messages, part } = parseJson(payload);
    if (Array.isArray(messages)) for (const each of messages) this.#takeMessage(each);
    if (part === undefined || typeof from !== "string") return;
    const whole = this.#joiner.take(from, part);
    if (whole !== undefined) this.#takeMessage(parseJson(whole));
  }

  /** One that cannot be understood is of another version, or none of ours. */
  #takeMessage(raw: unknown): void {
    const message = parseBusMessage(raw);
    if (message !== undefined) this.#tell(message);
  }

  #tell(notice: BusNotice): void {
    for (const listener of this.#listeners) listener(notice);
  }
}

/** Why a link could not be had, for people. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}

/** The fields of an object in JSON; none where it is no such thing. */
function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function after(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
