import type { MessagePort } from "node:worker_threads";
import { Fault, type FaultCode } from "#domain/shared/fault.ts";
import type { ScriptCaller, Scripts } from "./script.ts";
import type { StoreReply, StoreRequest } from "./store-protocol.ts";

const SETTLED_AT_ONCE = 64;

/** One end of a conversation with the store thread. */
export class StoreClient<All extends Scripts> implements ScriptCaller<All> {
  readonly #port: MessagePort;
  readonly #target: StoreRequest["target"];
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #batch: StoreRequest[] = [];
  readonly #arrived: StoreReply[] = [];
  #isGoingOn = false;
  #lastId = 0;
  #isClosed = false;

  constructor(port: MessagePort, target: StoreRequest["target"]) {
    this.#port = port;
    this.#target = target;
    port.on("message", (replies: StoreReply[]) => {
      for (const reply of replies) this.#arrived.push(reply);
      if (!this.#isGoingOn) this.#settleSome();
    });
    port.on("close", () => this.#fail());
  }

  /** All calls of one turn of the event loop travel together. */
  readonly call: ScriptCaller<All>["call"] = (method, ...args) => {
    if (this.#isClosed) return Promise.reject(closed());
    const id = ++this.#lastId;
    if (this.#batch.length === 0) queueMicrotask(() => this.#send());
    this.#batch.push({ id, target: this.#target, method, args });
    const reply = Promise.withResolvers<unknown>();
    this.#waiting.set(id, reply);
    return reply.promise as Promise<never>;
  };

  close(): void {
    this.#port.close();
    this.#fail();
  }

  #send(): void {
    const batch = this.#batch;
    this.#batch = [];
    if (!this.#isClosed) this.#port.postMessage(batch);
  }

  /** What follows from a reply may take long: after so many others of the thread get their turn. */
  #settleSome(): void {
    const some = this.#arrived.splice(0, SETTLED_AT_ONCE);
    for (const reply of some) this.#settle(reply);
    this.#isGoingOn = some.length === SETTLED_AT_ONCE;
    if (this.#isGoingOn) setImmediate(() => this.#settleSome());
  }

  #settle(reply: StoreReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.kind === "done") waiting?.resolve(reply.value);
    else waiting?.reject(new Fault(reply.failure.code as FaultCode, reply.failure.message));
  }

  #fail(): void {
    this.#isClosed = true;
    for (const reply of this.#arrived.splice(0)) this.#settle(reply);
    for (const { reject } of this.#waiting.values()) reject(closed());
    this.#waiting.clear();
  }
}

function closed(): Fault {
  return new Fault("STORE_UNAVAILABLE", "Cannot use the store: it is closed");
}
