import type { ProcessStats, RuntimeNotice } from "../runtime.ts";
import { SandboxProcess } from "./sandbox-process.ts";

export interface ProcessPoolOptions {
  readonly min: number;
  readonly max: number;
  readonly onNotice: (notice: RuntimeNotice) => void;
}

/** Why no process was handed out. */
export type NoProcess = { readonly kind: "overloaded" | "cancelled" };

const MAX_WAITING = 2_000;
const MAX_WAIT_MS = 10_000;
const IDLE_MS = 30_000;

/**
 * Between `min` and `max` sandbox processes. While it may grow it keeps one idle, so that a killed
 * process costs its neighbours nothing. Who waited longest is served first; the process that
 * rested longest serves, so that the others can prepare their next call.
 */
export class ProcessPool {
  readonly #options: ProcessPoolOptions;
  readonly #all = new Set<SandboxProcess>();
  readonly #idle: SandboxProcess[] = [];
  readonly #waiting = new Set<Waiter>();
  readonly #starting = new Set<Promise<void>>();
  #shrinkTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #starts = 0;

  constructor(options: ProcessPoolOptions) {
    this.#options = options;
  }

  /** Starts the first processes; fulfilled when they take calls, rejects when one does not start. */
  async open(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.min }, () => this.#start()));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get starts(): number {
    return this.#starts;
  }

  list(): readonly ProcessStats[] {
    return [...this.#all].map(({ pid, calls, isBusy }) => ({
      pid,
      calls,
      state: isBusy ? "busy" : "idle",
    }));
  }

  /** A process for one call, to be given back with `release`. Rejects when none can be started. */
  async acquire(signal: AbortSignal | undefined): Promise<SandboxProcess | NoProcess> {
    if (this.#isClosed || signal?.aborted === true) return { kind: "cancelled" };
    const idle = this.#idle.shift();
    if (idle !== undefined) {
      this.#fill();
      return idle;
    }
    if (this.#waiting.size >= MAX_WAITING) return { kind: "overloaded" };
    return this.#wait(signal);
  }

  /** Takes `process` back, alive or dead. */
  release(process: SandboxProcess): void {
    if (!this.#all.has(process)) return this.#fill();
    if (process.isWorn) process.kill("retired");
    else this.#offer(process);
  }

  /** Kills every process; resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#shrinkTimer);
    for (const waiter of this.#waiting) waiter.settle({ kind: "cancelled" });
    await Promise.allSettled(this.#starting);
    const all = [...this.#all];
    for (const process of all) process.kill("cancelled");
    await Promise.all(all.map(({ exited }) => exited));
  }

  async #wait(signal: AbortSignal | undefined): Promise<SandboxProcess | NoProcess> {
    const { promise, resolve, reject } = Promise.withResolvers<SandboxProcess | NoProcess>();
    const waiter: Waiter = { settle: resolve, fail: reject };
    // Out of the queue at once: a process offered after this would be lost.
    const giveUp = (reason: NoProcess) => {
      this.#waiting.delete(waiter);
      resolve(reason);
    };
    const cancel = () => giveUp({ kind: "cancelled" });
    const timer = setTimeout(() => giveUp({ kind: "overloaded" }), MAX_WAIT_MS);
    signal?.addEventListener("abort", cancel, { once: true });
    this.#waiting.add(waiter);
    this.#fill();
    try {
      return await promise;
    } finally {
      this.#waiting.delete(waiter);
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  #offer(process: SandboxProcess): void {
    const [waiter] = this.#waiting;
    if (waiter === undefined) {
      this.#idle.push(process);
      return;
    }
    this.#waiting.delete(waiter);
    waiter.settle(process);
  }

  /** Starts what is missing: a process for everyone who waits and one to spare, within bounds. */
  #fill(): void {
    if (this.#isClosed) return;
    const { min, max } = this.#options;
    const busy = this.#all.size - this.#idle.length;
    const wanted = Math.min(max, Math.max(min, busy + this.#waiting.size + 1));
    for (let count = this.#all.size + this.#starting.size; count < wanted; count += 1) {
      this.#start().catch(() => undefined);
    }
  }

  async #start(): Promise<void> {
    const starting = this.#open();
    this.#starting.add(starting);
    try {
      await starting;
    } catch (error) {
      this.#reportFailedStart(error);
      throw error;
    } finally {
      this.#starting.delete(starting);
    }
  }

  async #open(): Promise<void> {
    const process = await SandboxProcess.start();
    this.#starts += 1;
    this.#all.add(process);
    void process.exited.then(() => this.#forget(process));
    this.#shrinkLater();
    this.#offer(process);
  }

  #forget(process: SandboxProcess): void {
    this.#all.delete(process);
    const at = this.#idle.indexOf(process);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#fill();
  }

  #reportFailedStart(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onNotice({ kind: "process-not-started", message });
    if (this.#all.size > 0) return;
    for (const waiter of this.#waiting) waiter.fail(error);
  }

  /** Above `min`, a process that nobody needed for a while is let go. */
  #shrinkLater(): void {
    if (this.#all.size <= this.#options.min) return;
    this.#shrinkTimer ??= setInterval(() => this.#shrink(), IDLE_MS).unref();
  }

  #shrink(): void {
    if (this.#all.size > this.#options.min && this.#idle.length > 1) {
      this.#idle.shift()?.kill("retired");
    }
    if (this.#all.size > this.#options.min) return;
    clearInterval(this.#shrinkTimer);
    this.#shrinkTimer = undefined;
  }
}

interface Waiter {
  readonly settle: (answer: SandboxProcess | NoProcess) => void;
  readonly fail: (error: unknown) => void;
}
