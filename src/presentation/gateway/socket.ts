import type { WebSocket } from "uWebSockets.js";
import type { Logger } from "#application/ports/logger.ts";
import type { TurnId } from "#domain/shared/id.ts";
import type { Principal } from "#domain/user/credential.ts";
import { findMissing } from "./access.ts";
import type { ClientFrame } from "./frames.ts";
import {
  FRAME_ACCESS,
  isPlainPing,
  MAX_FRAME_BYTES,
  parseClientFrame,
  refOf,
  turnIntoPong,
} from "./frames.ts";
import type { Identified, Identify } from "./identify.ts";
import { Outbox } from "./outbox.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { Refusal } from "./replies.ts";
import * as reply from "./replies.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Denial, GatewayDeps } from "./use-cases.ts";

export const CLOSE = {
  binary: 1003,
  tooLong: 1009,
  failed: 1011,
  restarting: 1012,
  tooSlow: 1013,
  badFrames: 4400,
  unauthorized: 4401,
} as const;

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
const HELLO_TIMEOUT_MS = 5_000;
const MAX_BAD_FRAMES = 10;
const MAX_UNANSWERED = 256;
const UNANSWERED_RETRY_MS = 500;

type State =
  | { readonly kind: "awaiting-hello"; readonly deadline: NodeJS.Timeout }
  | { readonly kind: "signing-in" }
  | { readonly kind: "open"; readonly principal: Principal }
  | { readonly kind: "closed" };

type FrameOf<Type extends ClientFrame["type"]> = Extract<ClientFrame, { type: Type }>;

type Denied = Pick<Denial, "asked"> & Partial<Pick<Denial, "userId">>;

export interface SocketOptions {
  readonly deps: GatewayDeps;
  readonly limits: RateLimits;
  readonly identify: Identify;
  readonly log: Logger;
  readonly client: SocketClient;
}

export interface SocketClient {
  readonly address: string;
  /** The secret of the browser session whose cookie came with the upgrade. */
  readonly cookieSecret: string | undefined;
}

/** One client's connection: awaiting hello -> signing in -> open, and closed from anywhere. */
export class Socket {
  readonly #ws: WebSocket<unknown>;
  readonly #deps: GatewayDeps;
  readonly #limits: RateLimits;
  readonly #identify: Identify;
  readonly #log: Logger;
  readonly #client: SocketClient;
  readonly #outbox: Outbox;
  readonly #subscriptions: Subscriptions;
  #state: State;
  #badFrames = 0;
  #unanswered = 0;
  #isQuiet = true;
  #unwatch: (() => void) | undefined;

  constructor(ws: WebSocket<unknown>, options: SocketOptions) {
    const { deps, limits, identify, log, client } = options;
    this.#ws = ws;
    this.#deps = deps;
    this.#limits = limits;
    this.#identify = identify;
    this.#log = log;
    this.#client = client;
    this.#outbox = new Outbox(ws);
    this.#subscriptions = new Subscriptions({
      followSession: (input, sink) => deps.followSession(input, sink),
      deliver: (frames) => this.#write(frames),
      onEvicted: (sessionId) => this.#refuse(reply.UNSUBSCRIBED, sessionId),
    });
    const deadline = setTimeout(() => this.#refuseEntry("no hello came in time"), HELLO_TIMEOUT_MS);
    this.#state = { kind: "awaiting-hello", deadline };
  }

  /** Takes what the client sent; `bytes` are valid during the call only. */
  receive(bytes: ArrayBuffer, isBinary: boolean): void {
    this.#isQuiet = false;
    if (isBinary) return this.end(CLOSE.binary, "Expected text frames");
    if (bytes.byteLength > MAX_FRAME_BYTES) {
      return this.end(CLOSE.tooLong, `Expected at most ${MAX_FRAME_BYTES} bytes in a frame`);
    }
    const text = UTF8.decode(bytes);
    if (this.#state.kind === "open" && isPlainPing(text)) return this.#pong(turnIntoPong(bytes));
    const parsed = parseClientFrame(text);
    if (parsed.kind === "ok") this.#take(parsed.value);
    else this.#rejectFrame(parsed.message, parsed.raw);
  }

  /** Goes on writing: the reader has caught up. */
  drained(): void {
    this.#outbox.flush();
  }

  /** Pings a client of whom nothing was heard since the last call. */
  keepAlive(): void {
    if (this.#isQuiet) this.#ws.ping();
    this.#isQuiet = true;
  }

  announce(frame: string): void {
    if (this.#state.kind === "open") this.#write([frame]);
  }

  end(code: number, reason: string): void {
    if (this.#state.kind === "closed") return;
    this.closed();
    this.#ws.end(code, reason);
  }

  /** The connection is gone: nothing touches it from here on. */
  closed(): void {
    if (this.#state.kind === "awaiting-hello") clearTimeout(this.#state.deadline);
    this.#state = { kind: "closed" };
    this.#unwatch?.();
    this.#outbox.close();
    this.#subscriptions.stopAll();
  }

  #take(frame: ClientFrame): void {
    switch (this.#state.kind) {
      case "awaiting-hello":
        if (frame.type !== "hello") return this.#refuseEntry(`"${frame.type}" came before hello`);
        clearTimeout(this.#state.deadline);
        this.#state = { kind: "signing-in" };
        return this.#answer(undefined, () => this.#signIn(frame.token));
      case "signing-in":
        return this.#refuseEntry(`"${frame.type}" came before welcome`);
      case "open":
        return this.#admit(frame, this.#state.principal);
      case "closed":
        return;
      default:
        return this.#state satisfies never;
    }
  }

  /** Serves a frame of a client that may send it, and not too many of them. */
  #admit(frame: ClientFrame, principal: Principal): void {
    const missing = findMissing(FRAME_ACCESS[frame.type], principal);
    if (missing === undefined) return this.#serve(frame, principal);
    this.#deny(missing, { asked: frame.type, userId: principal.user.id }, refOf(frame));
  }

  #serve(frame: ClientFrame, principal: Principal): void {
    switch (frame.type) {
      case "hello":
        return this.#rejectFrame("hello was said already, expected it once", frame);
      case "ping":
        return this.#pong(reply.encodePong(frame.id));
      case "send":
        return this.#count("takeMessage", frame, () => this.#send(frame, principal));
      case "subscribe":
        return this.#count("takeRequest", frame, () => this.#subscribe(frame, principal));
      case "cancel":
        return this.#count("takeRequest", frame, () => this.#cancel(frame.turnId, principal));
      case "decide":
        return this.#count("takeRequest", frame, () => this.#decide(frame, principal));
      default:
        return frame satisfies never;
    }
  }

  async #signIn(token: string | undefined): Promise<void> {
    const { address, cookieSecret } = this.#client;
    const identified = await this.#identify({ token, cookieSecret }, address);
    if (identified.kind !== "signed-in") return this.#refuseSignIn(identified);
    if (this.#state.kind !== "signing-in") return;
    const { value: principal } = identified;
    this.#state = { kind: "open", principal };
    this.#unwatch = this.#deps.watchCredential(principal, {
      onRevoked: () => this.end(CLOSE.unauthorized, "The credential is good no longer"),
      onChanged: (changed) => {
        if (this.#state.kind === "open") this.#state = { kind: "open", principal: changed };
      },
    });
    this.#write([reply.encodeWelcome(principal.user.id)]);
  }

  #refuseSignIn(identified: Exclude<Identified, { kind: "signed-in" }>): void {
    if (identified.kind === "limited") {
      this.#deny(reply.rateLimited("failed sign-ins", identified.retryAfterMs), { asked: "hello" });
      return this.end(CLOSE.failed, "Too many failed sign-ins");
    }
    if (identified.kind === "refused") this.#noteDenied(reply.UNAUTHORIZED, { asked: "hello" });
    this.#refuseEntry("the token is wrong or missing");
  }

  async #send(frame: FrameOf<"send">, { user: { id: userId } }: Principal): Promise<void> {
    const { type: _, ...message } = frame;
    const { clientMessageId } = message;
    const result = await this.#deps.acceptMessage({ userId, ...message });
    switch (result.kind) {
      case "accepted": {
        this.#write([reply.encodeAccepted(clientMessageId, result)]);
        if (this.#state.kind !== "open" || this.#subscriptions.has(result.sessionId)) return;
        const { sessionId, seq } = result;
        await this.#subscriptions.follow({ userId, sessionId, after: seq });
        return;
      }
      case "overloaded":
        return this.#refuse(reply.overloaded(result.retryAfterMs), clientMessageId);
      case "not-found":
        return this.#refuse(reply.notFound("session"), clientMessageId);
      case "conflict":
        return this.#refuse(reply.CONFLICT, clientMessageId);
      default:
        return result satisfies never;
    }
  }

  async #subscribe(
    frame: FrameOf<"subscribe">,
    { user: { id: userId } }: Principal,
  ): Promise<void> {
    const { sessionId, after, epoch } = frame;
    const input = { userId, sessionId, after, ...(epoch === undefined ? {} : { epoch }) };
    const isFound = await this.#subscriptions.follow(input);
    if (!isFound) this.#refuse(reply.notFound("session"), sessionId);
  }

  async #cancel(turnId: TurnId, { user: { id: userId } }: Principal): Promise<void> {
    const result = await this.#deps.cancelTurn({ userId, turnId });
    if (result.kind === "not-found") this.#refuse(reply.notFound("turn"), turnId);
  }

  async #decide(frame: FrameOf<"decide">, { user: { id: userId } }: Principal): Promise<void> {
    const { type: _type, approvalId, ...said } = frame;
    const result = await this.#deps.decideApproval({ userId, approvalId, ...said });
    switch (result.kind) {
      case "decided":
        return this.#write([reply.encodeDecided(approvalId, result.approval.state.kind)]);
      case "not-found":
        return this.#refuse(reply.notFound("approval"), approvalId);
      case "mismatch":
        return this.#refuse(reply.APPROVAL_MISMATCH, approvalId);
      case "closed":
        return this.#refuse(reply.approvalClosed(result.state), approvalId);
      case "bad-pattern":
        return this.#rejectFrame(reply.BAD_PATTERN, frame);
      default:
        return result satisfies never;
    }
  }

  /** Runs what counts against a limit, where there is room in it. */
  #count(limit: "takeMessage" | "takeRequest", frame: ClientFrame, run: () => Promise<void>): void {
    if (this.#state.kind !== "open") return;
    const { id: userId } = this.#state.principal.user;
    const retryAfterMs = this.#limits[limit]({ userId, address: this.#client.address });
    const ref = refOf(frame);
    if (retryAfterMs === undefined) return this.#answer(ref, run);
    const what = limit === "takeMessage" ? "messages" : "requests";
    this.#deny(reply.rateLimited(what, retryAfterMs), { asked: frame.type, userId }, ref);
  }

  /** Runs what must be waited for: a bounded number at a time, failures as `error` frames. */
  #answer(ref: string | undefined, run: () => Promise<void>): void {
    if (this.#unanswered >= MAX_UNANSWERED) {
      return this.#refuse(reply.overloaded(UNANSWERED_RETRY_MS), ref);
    }
    this.#unanswered += 1;
    run()
      .catch((error: unknown) => this.#fail(error, ref))
      .finally(() => {
        this.#unanswered -= 1;
      });
  }

  #fail(error: unknown, ref: string | undefined): void {
    this.#log.error({ error, ref }, "A frame could not be answered");
    this.#refuse(reply.refusalOf(error), ref);
    if (this.#state.kind === "signing-in") this.end(CLOSE.failed, "Cannot sign in at the moment");
  }

  #rejectFrame(problem: string, raw: unknown): void {
    const message = `Cannot read the frame: ${problem}`;
    this.#refuse({ code: "bad-frame", message }, refOf(raw));
    this.#badFrames += 1;
    if (this.#badFrames < MAX_BAD_FRAMES) return;
    this.end(CLOSE.badFrames, `Expected fewer than ${MAX_BAD_FRAMES} bad frames`);
  }

  #refuseEntry(problem: string): void {
    this.#refuse({ code: "unauthorized", message: `Cannot sign in: ${problem}` });
    this.end(CLOSE.unauthorized, "Expected hello with a valid token");
  }

  #deny(refusal: Refusal, by: Denied, ref?: string): void {
    this.#noteDenied(refusal, by);
    this.#refuse(refusal, ref);
  }

  #noteDenied({ code }: Refusal, { asked, userId }: Denied): void {
    this.#deps.noteDenied({ userId, address: this.#client.address, asked, code });
  }

  #refuse(refusal: Refusal, ref?: string): void {
    this.#write([reply.encodeError(refusal, ref)]);
  }

  #pong(frame: string | ArrayBuffer): void {
    if (!this.#outbox.push(frame)) this.#endSlow();
  }

  #write(frames: readonly string[]): void {
    if (this.#state.kind === "closed") return;
    if (!this.#outbox.pushAll(frames)) this.#endSlow();
  }

  #endSlow(): void {
    this.#log.warn({}, "a client read too slowly and was disconnected");
    this.end(CLOSE.tooSlow, "Read faster, or resume with subscribe");
  }
}
