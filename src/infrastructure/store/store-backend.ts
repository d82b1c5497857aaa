import type { MessagePort } from "node:worker_threads";
import type { StoreReply, StoreRequest } from "./store-protocol.ts";

/** A request and whom to answer. */
export interface Waiting {
  readonly port: MessagePort;
  readonly request: StoreRequest;
  /** By the thread's own clock. */
  readonly arrivedMs: number;
}

/** A database as the store thread serves it. */
export interface StoreBackend {
  /** Takes requests in; each is answered when it is done, a write when it is durable. */
  take(requests: readonly Waiting[]): void;
  /** Does what was asked for before, then closes. */
  close(): Promise<void>;
}

/** What a backend has of the threads it serves. */
export interface Mailbox {
  /** What has arrived since, on any port. */
  drain(): Waiting[];
  answer(waiting: readonly Waiting[], replies: readonly StoreReply[]): void;
}
