import { inNewSessions, inSessions, type NextAccept } from "./accepts.ts";
import type { BenchStore } from "./bench-store.ts";

/** Whether messages come to new sessions or to some that are there. */
export type SessionKind = "new" | "existing";

/** What was seen in one block. */
export interface Block {
  readonly acceptsPerSecond: number;
  /** Of an accept, or of the batch that a row was in. */
  readonly tookMs: readonly number[];
  /** Accepts in a transaction, on average. */
  readonly batch: number;
}

export interface LoadOptions {
  readonly kind: SessionKind;
  /** Accepts under way at any time. */
  readonly clients: number;
  readonly blockMs: number;
}

export interface RawLoadOptions extends LoadOptions {
  /** Accepts in a batch. */
  readonly batch: number;
}

/** `size` clients, each of which sends its next message when the last one is accepted. */
export async function loadNexflow({ own }: BenchStore, options: LoadOptions): Promise<Block> {
  const next = nextOf(own, options.kind);
  const tookMs: number[] = [];
  await own.endTurns();
  const answersBefore = own.answers();
  const startedMs = performance.now();
  const endMs = startedMs + options.blockMs;
  const client = async () => {
    while (performance.now() < endMs) {
      const sentMs = performance.now();
      const { kind } = await own.turns.accept(next());
      if (kind !== "accepted") throw new Error(`Cannot measure: a message came to "${kind}"`);
      tookMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  const batch = tookMs.length / (own.answers() - answersBefore);
  return { acceptsPerSecond: perSecond(tookMs.length, startedMs), tookMs, batch };
}

/** Batch after batch: as many side by side as there are clients for, and the driver profits from. */
export async function loadRaw({ raw }: BenchStore, options: RawLoadOptions): Promise<Block> {
  const { writer } = raw;
  const { clients, batch } = options;
  const next = nextOf(raw, options.kind);
  const tookMs: number[] = [];
  await raw.endTurns();
  const startedMs = performance.now();
  const endMs = startedMs + options.blockMs;
  const lane = async () => {
    while (performance.now() < endMs) {
      const inputs = Array.from({ length: batch }, next);
      const sentMs = performance.now();
      await writer.write(inputs);
      tookMs.push(performance.now() - sentMs);
    }
  };
  const lanes = Math.min(writer.lanes, Math.max(1, Math.round(clients / batch)));
  await Promise.all(Array.from({ length: lanes }, lane));
  const accepts = tookMs.length * batch;
  return { acceptsPerSecond: perSecond(accepts, startedMs), tookMs, batch };
}

function nextOf(
  { owner, sessions }: Pick<BenchStore["own"], "owner" | "sessions">,
  kind: SessionKind,
): NextAccept {
  return kind === "new" ? inNewSessions(owner) : inSessions(owner, sessions);
}

function perSecond(count: number, startedMs: number): number {
  return (count * 1_000) / (performance.now() - startedMs);
}
