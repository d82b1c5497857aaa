import { availableParallelism } from "node:os";
import type { ProcessStats, RuntimeNotice } from "../runtime.ts";
import { PaceBook } from "./pace-book.ts";
import { type ProcessCall, type ProcessEnd, SandboxProcess } from "./sandbox-process.ts";

export interface ProcessPoolOptions {
  readonly min: number;
  readonly max: number;
  readonly onNotice: (notice: RuntimeNotice) => void;
  /** Calls of a skill that are shorter on average may wait behind each other in one pipe. */
  readonly shortMs?: number | undefined;
}

/** A call and whose processes may run it. */
export interface PoolCall {
  readonly cordon: string;
  readonly call: ProcessCall;
  /** How long it may wait for a process. */
  readonly queueMs: number;
}

export type PoolEnd =
  | (Exclude<ProcessEnd, { kind: "unstarted" }> & { readonly pid: number })
  | NoProcess;

/** Why nothing was run. */
export interface NoProcess {
  readonly kind: "overloaded" | "queue-time" | "cancelled";
  readonly waitedMs: number;
}

const MAX_WAITING = 2_000;
const IDLE_MS = 30_000;
/** Calls that wait in the pipe of a process whose calls are short. */
const MAX_DEPTH = 32;
const SHORT_MS = 4;
/** A call that runs longer than this keeps nobody else waiting behind it. */
const STALL_MS = 250;
/** When to try again to start a process for those who wait while others work. */
const RETRY_MS = 250;
/** A process that rests shorter is left to a cordon that will want it back, except by one that has none. */
const RESTED_MS = 1_000;
/** Processes for the short calls of one cordon: more than cores only take turns. */
const BUSY_PROCESSES = availableParallelism();

/**
 * Up to `max` sandbox processes. A process serves one cordon from its first call on; blank ones
 * are kept to spare while there may be more, so that neither a new cordon nor a killed process
 * costs a caller the start of one. Who waited longest is served first.
 */
export class ProcessPool {
  readonly #options: ProcessPoolOptions;
  readonly #all = new Set<SandboxProcess>();
  readonly #blank: SandboxProcess[] = [];
  readonly #cordons = new Map<string, SandboxProcess[]>();
  readonly #waiting = new Set<Waiter>();
  readonly #starting = new Set<Promise<void>>();
  readonly #pace: PaceBook;
  #tidyTimer: NodeJS.Timeout | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #starts = 0;

  constructor(options: ProcessPoolOptions) {
    this.#options = options;
    this.#pace = new PaceBook(options.shortMs ?? SHORT_MS);
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
    return [...this.#all].map(({ pid, calls, depth, cordon }) => ({
      pid,
      calls,
      state: cordon === undefined ? "spare" : depth > 0 ? "busy" : "idle",
      cordon,
    }));
  }

  /**
   * Runs one call. Rejects when no process can be started. A call whose process is lost before it
   * began runs in another one; one that is cancelled before it began runs nowhere.
   */
  async run(wanted: PoolCall, signal: AbortSignal | undefined): Promise<PoolEnd> {
    const startedMs = performance.now();
    for (;;) {
      if (signal?.aborted === true) {
        return { kind: "cancelled", waitedMs: performance.now() - startedMs };
      }
      const idle = this.#place(wanted);
      const begun =
        idle === undefined
          ? await this.#wait(wanted, startedMs, signal)
          : this.#begin(idle, wanted, signal);
      if ("kind" in begun) return begun;
      const { process, ended } = begun;
      const end = await ended;
      this.#takeBack(process);
      if (end.kind === "unstarted") continue;
      if (end.kind === "result") this.#pace.note(wanted.call.frame.digest, end.wallMs);
      return { ...end, pid: process.pid };
    }
  }

  /** Kills every process, those that are starting when they have; resolves when they are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#tidyTimer);
    clearInterval(this.#stallTimer);
    clearTimeout(this.#retryTimer);
    for (const waiter of this.#waiting) waiter.giveUp("cancelled");
    await this.#killAll();
    await Promise.allSettled(this.#starting);
    await this.#killAll();
  }

  async #killAll(): Promise<void> {
    const all = [...this.#all];
    for (const process of all) process.kill("cancelled");
    await Promise.all(all.map(({ exited }) => exited));
  }

  /** A process that may run the call now, if there is one. */
  #place({ cordon, call }: PoolCall): SandboxProcess | undefined {
    if (this.#isClosed) return undefined;
    const own = this.#cordons.get(cordon) ?? [];
    const isShort = this.#pace.isShort(call.frame.digest);
    const near = isShort ? own.slice(0, BUSY_PROCESSES) : own;
    const idle = findIdle(near, call);
    if (idle !== undefined && !isDrained(idle, call)) return idle;
    const shallow = isShort ? findShallow(near) : undefined;
    const first = idle ?? shallow;
    if (first !== undefined && own.length >= BUSY_PROCESSES) return first;
    return this.#assign(cordon) ?? first ?? findIdle(own, call);
  }

  /** A blank process, from now on one of the cordon's. */
  #assign(cordon: string): SandboxProcess | undefined {
    // Who has none comes before who wants another one.
    if (this.#hasProcess(cordon) && this.#blank.length <= this.#countHomeless()) return undefined;
    const blank = this.#blank.shift();
    if (blank === undefined) return undefined;
    blank.cordon = cordon;
    const own = this.#cordons.get(cordon);
    if (own === undefined) this.#cordons.set(cordon, [blank]);
    else own.push(blank);
    this.#fill();
    return blank;
  }

  #begin(process: SandboxProcess, { call }: PoolCall, signal: AbortSignal | undefined): BegunCall {
    const ended = process.run(call, signal);
    if (process.depth > 1) this.#stallTimer ??= this.#watchForStalls();
    return { process, ended };
  }

  async #wait(
    wanted: PoolCall,
    startedMs: number,
    signal: AbortSignal | undefined,
  ): Promise<BegunCall | NoProcess> {
    const waitedMs = () => performance.now() - startedMs;
    if (this.#isClosed) return { kind: "cancelled", waitedMs: waitedMs() };
    if (this.#waiting.size >= MAX_WAITING) return { kind: "overloaded", waitedMs: waitedMs() };
    const { promise, resolve, reject } = Promise.withResolvers<BegunCall | NoProcess>();
    // Out of the queue at once: a process offered after this would be lost.
    const giveUp = (kind: NoProcess["kind"]) => {
      this.#waiting.delete(waiter);
      resolve({ kind, waitedMs: waitedMs() });
    };
    const begin = (process: SandboxProcess) => {
      this.#waiting.delete(waiter);
      resolve(this.#begin(process, wanted, signal));
    };
    const fail = (error: unknown) => {
      this.#waiting.delete(waiter);
      reject(error);
    };
    const waiter: Waiter = { wanted, begin, fail, giveUp };
    const cancel = () => giveUp("cancelled");
    const timer = setTimeout(() => giveUp("queue-time"), wanted.queueMs - waitedMs());
    signal?.addEventListener("abort", cancel, { once: true });
    this.#waiting.add(waiter);
    this.#makeRoom(wanted.cordon);
    this.#fill();
    try {
      return await promise;
    } finally {
      this.#waiting.delete(waiter);
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Gives those who wait what they can have now; makes room for the first who gets nothing. */
  #serveWaiting(): void {
    const unserved = new Set<string>();
    for (const { wanted, begin } of this.#waiting) {
      const { cordon, call } = wanted;
      const kind = `${cordon} ${this.#pace.isShort(call.frame.digest)}`;
      if (unserved.has(kind)) continue;
      const process = this.#place(wanted);
      if (process !== undefined) begin(process);
      else {
        if (unserved.size === 0 || !this.#hasProcess(cordon)) this.#makeRoom(cordon);
        unserved.add(kind);
      }
    }
  }

  /** After a call: what is worn goes, what is free serves who waits. */
  #takeBack(process: SandboxProcess): void {
    if (process.isWorn && process.depth === 0) process.kill("retired");
    else if (this.#waiting.size > 0) this.#serveWaiting();
  }

  /**
   * At the bound, a process of another cordon makes way, unless enough do already: the one that rests
   * longest. For a cordon that has none, where none rests, one that never would, because more calls
   * come into its pipe than end, takes no further ones.
   */
  #makeRoom(cordon: string): void {
    for (const each of this.#all) if (isSpent(each)) each.kill("retired");
    if (this.#all.size + this.#starting.size < this.#options.max) return;
    const isHomeless = !this.#hasProcess(cordon);
    const leaving = [...this.#all].filter(isLeaving).length;
    if (this.#starting.size + leaving >= (isHomeless ? this.#countHomeless() : 1)) return;
    const others = [...this.#all].filter((each) => each.cordon !== cordon);
    const restedMs = performance.now() - (isHomeless ? 0 : RESTED_MS);
    const idle = others.filter(
      (each) => each.isAlive && each.depth === 0 && each.restingSinceMs <= restedMs,
    );
    const [oldest] = idle.toSorted((one, other) => one.restingSinceMs - other.restingSinceMs);
    if (oldest !== undefined) return oldest.kill("retired");
    if (!isHomeless) return;
    const piped = others.filter((each) => each.takesMore && each.depth > 1);
    piped.toSorted((one, other) => one.depth - other.depth)[0]?.drain();
  }

  #hasProcess(cordon: string): boolean {
    return this.#cordons.get(cordon)?.some(({ takesMore }) => takesMore) === true;
  }

  /** How many cordons have calls that wait and no process that takes any. */
  #countHomeless(): number {
    const waiting = new Set<string>();
    for (const { wanted } of this.#waiting) waiting.add(wanted.cordon);
    return [...waiting].filter((cordon) => !this.#hasProcess(cordon)).length;
  }

  /** Starts what is missing: one for everyone who waits and one to spare, within bounds. */
  #fill(): void {
    if (this.#isClosed) return;
    const { min, max } = this.#options;
    const taken = this.#all.size - this.#blank.length;
    const wanted = Math.min(max, Math.max(min, taken + Math.max(1, this.#waiting.size)));
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
    // What it was started for may have taken it: then there is no spare.
    this.#fill();
  }

  async #open(): Promise<void> {
    const process = await SandboxProcess.start();
    this.#starts += 1;
    this.#all.add(process);
    this.#blank.push(process);
    void process.exited.then(() => this.#forget(process));
    if (this.#isClosed) return;
    this.#tidyTimer ??= setInterval(() => this.#tidy(), IDLE_MS).unref();
    this.#serveWaiting();
    if (process.cordon === undefined) process.warmUp();
  }

  #forget(process: SandboxProcess): void {
    this.#all.delete(process);
    remove(this.#blank, process);
    const own = this.#cordons.get(process.cordon ?? "");
    if (own !== undefined) remove(own, process);
    if (own?.length === 0) this.#cordons.delete(process.cordon ?? "");
    this.#fill();
    this.#serveWaiting();
  }

  #reportFailedStart(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.onNotice({ kind: "process-not-started", message });
    // It is among those that are starting itself.
    if (this.#all.size === 0 && this.#starting.size <= 1) {
      for (const waiter of this.#waiting) waiter.fail(error);
    } else if (this.#waiting.size > 0 && !this.#isClosed) {
      this.#retryTimer ??= this.#fillLater();
    }
  }

  #fillLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#retryTimer = undefined;
      this.#fill();
    }, RETRY_MS).unref();
  }

  /** Above `min`, a process that nobody needed for a while is let go, the longest idle first. */
  #tidy(): void {
    for (const each of this.#all) if (isSpent(each)) each.kill("retired");
    const nowMs = performance.now();
    const idle = [...this.#all]
      .filter((each) => each.depth === 0 && each.isAlive)
      .filter((each) => nowMs - each.restingSinceMs > IDLE_MS)
      .toSorted((one, other) => one.restingSinceMs - other.restingSinceMs);
    const assigned = idle.filter(({ cordon }) => cordon !== undefined);
    const spare = Math.max(0, this.#all.size - this.#options.min);
    for (const each of [...assigned, ...idle].slice(0, spare)) each.kill("retired");
  }

  /** Who waits behind a call that turns out long goes to another process. */
  #watchForStalls(): NodeJS.Timeout {
    return setInterval(() => this.#endStalls(), STALL_MS).unref();
  }

  #endStalls(): void {
    let isDeep = false;
    for (const each of this.#all) {
      isDeep ||= each.depth > 1;
      if (each.depth > 1 && each.runningMs > STALL_MS) each.takeBack();
    }
    if (isDeep) return;
    clearInterval(this.#stallTimer);
    this.#stallTimer = undefined;
  }
}

interface BegunCall {
  readonly process: SandboxProcess;
  readonly ended: Promise<ProcessEnd>;
}

interface Waiter {
  readonly wanted: PoolCall;
  readonly begin: (process: SandboxProcess) => void;
  readonly fail: (error: unknown) => void;
  readonly giveUp: (kind: NoProcess["kind"]) => void;
}

/** The idle process that is best prepared; of equals the one that worked last. */
function findIdle(
  own: readonly SandboxProcess[],
  { frame }: ProcessCall,
): SandboxProcess | undefined {
  let best: SandboxProcess | undefined;
  for (const each of own) {
    if (each.depth > 0 || !each.takesMore) continue;
    const isBetter =
      best === undefined ||
      each.sparesOf(frame.digest) > best.sparesOf(frame.digest) ||
      (each.sparesOf(frame.digest) === best.sparesOf(frame.digest) &&
        each.restingSinceMs > best.restingSinceMs);
    if (isBetter) best = each;
  }
  return best;
}

/** The process with the fewest calls, of those where none is stuck. */
function findShallow(processes: readonly SandboxProcess[]): SandboxProcess | undefined {
  let best: SandboxProcess | undefined;
  for (const each of processes) {
    const isOpen = each.takesMore && each.depth < Math.min(MAX_DEPTH, best?.depth ?? MAX_DEPTH);
    if (isOpen && each.runningMs < STALL_MS) best = each;
  }
  return best;
}

/** Whether calls came faster than the process could prepare for them. */
function isDrained(process: SandboxProcess, { frame, canPrepare }: ProcessCall): boolean {
  return canPrepare && process.sparesOf(frame.digest) === 0 && process.holds(frame.digest);
}

/** Whether it rests and takes no call any more. */
function isSpent(process: SandboxProcess): boolean {
  return process.isWorn && process.depth === 0;
}

/** Whether it is gone in a moment: dead, or at the end of its last calls. */
function isLeaving(process: SandboxProcess): boolean {
  return !process.isAlive || (process.isWorn && process.runningMs < STALL_MS);
}

function remove(list: SandboxProcess[], process: SandboxProcess): void {
  const at = list.indexOf(process);
  if (at !== -1) list.splice(at, 1);
}
