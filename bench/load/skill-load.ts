import process from "node:process";
import { ECHO } from "../echo-skill.ts";
import type { Arm } from "../peers/arm.ts";
import { ARMS } from "../peers/arms.ts";
import { quantile } from "../report.ts";

/*
 * The load of the `skill` benchmark on one arm, a process of its own: it makes the calls that its
 * parent orders and tells how long they took. The arm's name is its argument.
 */

/** One block of calls. */
export interface LoadOrder {
  /** Callers that each wait for their answer before they call again. */
  readonly concurrency: number;
  /** From one call of a caller to its next; as soon as possible when absent. */
  readonly everyMs?: number;
  /** What ends before is not counted: an arm that had to rest wakes up. */
  readonly wakeMs: number;
  readonly forMs: number;
}

export interface LoadReport {
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Enough for a p99; a function in process would else make millions. */
const MAX_CALLS = 50_000;
const EXPECTED = JSON.stringify(ECHO.input);

const name = process.argv[2] ?? "";
const entry = ARMS[name];
if (entry === undefined) throw new RangeError(`Cannot measure "${name}": there is no such arm`);
const arm = await entry.open();
process.on("message", (order: LoadOrder | "end") => void serve(order));
process.send?.("ready");

async function serve(order: LoadOrder | "end"): Promise<void> {
  if (order !== "end") {
    process.send?.(await runBlock(arm, order));
    return;
  }
  await arm.close();
  process.disconnect();
}

async function runBlock(measured: Arm, order: LoadOrder): Promise<LoadReport> {
  const { concurrency, everyMs, wakeMs, forMs } = order;
  const tookMs: number[] = [];
  const beginMs = performance.now() + wakeMs;
  const endMs = beginMs + forMs;
  let lastMs = endMs;
  const caller = async () => {
    while (performance.now() < endMs && tookMs.length < MAX_CALLS) {
      const calledMs = performance.now();
      // All callers come before the first is served, as those of a server do.
      await Promise.resolve();
      check(await measured.call(ECHO.input));
      const endedMs = performance.now();
      if (endedMs >= beginMs && endedMs <= endMs) tookMs.push(endedMs - calledMs);
      if (tookMs.length === MAX_CALLS) lastMs = endedMs;
      if (everyMs !== undefined) await pause(calledMs + everyMs - endedMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return {
    callsPerSecond: (tookMs.length * 1_000) / (lastMs - beginMs),
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
  };
}

function check(output: unknown): void {
  const text = JSON.stringify(output);
  if (text !== EXPECTED) throw new Error(`Cannot measure: "${name}" answered ${text}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms));
  });
}
