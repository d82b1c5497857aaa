import type { MessagePort } from "node:worker_threads";
import type { Failure } from "#domain/shared/fault.ts";
import type { LoopDelay } from "../telemetry/loop-delay.ts";
import type { TallyReport } from "../telemetry/tally.ts";

/*
 * What the store thread and its clients say to each other. Both ends are our own threads of
 * one process and one version; requests travel in batches, as many as a client had in one turn
 * of its event loop.
 */

/** Where the store is. */
export type StoreLocation =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: string };

/** Runs the script `method`, of `reads` or of `writes`, with `args`. */
export interface StoreRequest {
  readonly id: number;
  readonly target: "read" | "write";
  readonly method: string;
  readonly args: readonly unknown[];
}

export type StoreReply =
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly failure: Failure };

/** What the thread tells its owner, once it is open. */
export interface StoreThreadNotice {
  readonly kind: "measured";
  readonly report: TallyReport | undefined;
  readonly delay: LoopDelay;
}

/** The answer to `open`: it is open, or why not. */
export type StoreThreadGreeting =
  | { readonly kind: "open" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** From the owner to the thread, which is started with a `StoreLocation`. */
export type StoreThreadOrder =
  /** Opens the database and answers with a greeting; the first order. */
  | { readonly kind: "open" }
  | { readonly kind: "attach"; readonly port: MessagePort }
  | { readonly kind: "close" };
