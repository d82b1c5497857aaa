import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";
import type { CallBroker } from "../broker/call-broker.ts";
import {
  type Frame,
  FrameReader,
  type FromHost,
  type HostCallFrame,
  type HostFunction,
  type HostOutcome,
  parseFromHost,
  type ToHost,
  toFrame,
} from "../protocol.ts";
import type { KillReason } from "../runtime.ts";
import { detectLayers, planLayers } from "./layers/detect-layers.ts";
import type { Layers } from "./layers/layers.ts";
import { type HostProcess, wasOutOfMemory } from "./layers/spawn-in-layers.ts";
import { spawnHost, watchPipeOf } from "./spawn-host.ts";
import { WatchReader, type WatchReport } from "./watch-reader.ts";

/** One call as a sandbox process runs it. */
export interface ProcessCall {
  readonly frame: Omit<HostCallFrame, "epoch" | "call">;
  readonly input: string;
  /** The bytes of the unit, sent when this process does not hold it yet. */
  readonly unit: Uint8Array;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly broker: CallBroker;
  /** Whether further calls of the unit are prepared while the process rests. */
  readonly canPrepare: boolean;
}

/** How a call ended; after `killed` and `died` the process is gone. */
export type ProcessEnd =
  | {
      readonly kind: "result";
      readonly result: ResultFrame;
      readonly body: Buffer;
      readonly wallMs: number;
    }
  | {
      readonly kind: "killed";
      readonly reason: KillReason;
      readonly used: number;
      readonly wallMs: number;
      /** What had ended the call before, where its guest went on. */
      readonly halted?: HostOutcome | undefined;
    }
  | { readonly kind: "died"; readonly death: ProcessDeath; readonly wallMs: number }
  /** It was cancelled or its process lost before it began: it has done nothing. */
  | { readonly kind: "unstarted" };

export type ResultFrame = Extract<FromHost, { kind: "result" }>;

export interface ProcessDeath {
  readonly signal: string | null;
  readonly exitCode: number | null;
  /** The beginning of what the process wrote to stderr: a fatal error comes before its stack. */
  readonly stderr: string;
  /** Whether the system ended it because its control group had no memory left. */
  readonly isOutOfMemory: boolean;
}

const START_TIMEOUT_MS = 20_000;
const WATCH_EVERY_MS = 50;
/** At a deadline the watchdog is asked once more what the guest did, and waited for so long. */
const LAST_REPORT_MS = 8;
/** A call that was cancelled before it began may finish in this time, for its neighbours' sake. */
const ABANDONED_MS = 50;
/** A call that comes while its process prepares waits for that so long at most. */
const MAX_PREPARING_MS = 1_000;
/** How long a guest may go on that passed a limit. */
const HALTED_MS = 20;
const STDERR_CHARS = 4_096;
/** A dying process says a few KiB on stderr; one that says this much does nothing else. */
const MAX_STDERR_BYTES = 1_048_576;
/** What a process may leave unread of what it asked for. */
const MAX_UNREAD_BYTES = 128 * 1_048_576;
/** What a process that has ended may leave behind holds its pipes open for so long. */
const LEFT_OPEN_MS = 1_000;
const MAX_UNITS = 16;
const MAX_RESULT_BYTES = 16 * 1_048_576;
/** Of what is parsed before it is known what it is about: the notes of 10,000 host calls fit. */
const MAX_HEAD_BYTES = 1_048_576;
/** What a process may hold on top of its first size and the memory of the call. */
const PROCESS_SLACK_MIB = 160;
/** A first report may come when a guest has begun to take memory. */
const MAX_FIRST_MIB = 96;
const MAX_CALLS = 20_000;
const MAX_AGE_MS = 60 * 60_000;
/** Short calls never meet the watchdog: its memory is asked for once in so many. */
const CALLS_PER_LOOK = 64;

let lastEpoch = 0;

/** A sandbox process: runs the calls it is given in order and is killed when one goes too far. */
export class SandboxProcess {
  readonly epoch: number;
  /** Settles when the process is gone. */
  readonly exited: Promise<ProcessDeath>;
  /** Whose calls it runs; once set it never changes. */
  cordon: string | undefined;
  /** When the last call ended, or the start. */
  restingSinceMs = performance.now();
  readonly #child: HostProcess;
  readonly #watch: Duplex;
  readonly #reader = new FrameReader(MAX_RESULT_BYTES, MAX_HEAD_BYTES);
  readonly #reports = new WatchReader();
  readonly #units = new Set<string>();
  readonly #spares = new Map<string, number>();
  readonly #bornMs = performance.now();
  /** The first one is running, the others wait in the pipe. */
  readonly #calls: RunningCall[] = [];
  #onReady: (() => void) | undefined;
  #onPrepared: ((spares: number) => void) | undefined;
  #killed: { readonly reason: KillReason; readonly used: number } | undefined;
  #stderr = "";
  #stderrBytes = 0;
  /** Reports that were asked for; the watchdog gives the first one by itself. */
  #reportsDue = 1;
  #firstMiB = 0;
  #lastMiB = 0;
  #lastNumber = 0;
  #isPreparing = false;
  #isRetiring = false;
  #isGone = false;
  #lastNames: readonly HostFunction[] = [];

  private constructor(child: HostProcess) {
    lastEpoch += 1;
    this.epoch = lastEpoch;
    this.#child = child;
    this.#watch = watchPipeOf(child);
    this.exited = this.#follow();
    child.stdout.on("data", (chunk: Buffer) => this.#receive(chunk));
    child.stderr.on("data", (chunk: Buffer) => this.#receiveErrors(chunk));
    this.#watch.on("data", (chunk: Buffer) => this.#receiveReports(chunk));
    const pipes = [child.stdin, child.stdout, child.stderr, this.#watch];
    for (const pipe of pipes) pipe.on("error", ignoreBrokenPipe);
    child.once("exit", () => {
      this.#isGone = true;
      closeLater(pipes);
    });
  }

  /**
   * Starts a process and waits until it takes calls. Rejects with an `Error` that says why not. The
   * first ones do not wait until the layers are tried as a whole, unless they do not start in them.
   */
  static async start(): Promise<SandboxProcess> {
    const planned = await planLayers();
    try {
      return await SandboxProcess.#startIn(planned);
    } catch {
      return await SandboxProcess.#startIn(await detectLayers());
    }
  }

  static async #startIn(layers: Pick<Layers, "launcher" | "cgroups">): Promise<SandboxProcess> {
    const child = spawnHost(layers);
    if (child.pid === undefined) {
      const [error] = await once(child, "error");
      throw new Error(`Cannot start a sandbox process: ${String(error)}`, { cause: error });
    }
    return await SandboxProcess.attach(child);
  }

  /** Takes over a process that is starting and waits until it takes calls. Rejects with `Error`. */
  static async attach(child: HostProcess): Promise<SandboxProcess> {
    const started = new SandboxProcess(child);
    try {
      await started.#ready();
      return started;
    } catch (error) {
      started.kill("retired");
      await started.exited;
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** How many calls it was given. */
  get calls(): number {
    return this.#lastNumber;
  }

  /** How many calls it has. */
  get depth(): number {
    return this.#calls.length;
  }

  get isAlive(): boolean {
    return this.#killed === undefined && !this.#isGone;
  }

  /** Whether it takes calls: it lives and is not worn. */
  get takesMore(): boolean {
    return this.isAlive && !this.isWorn;
  }

  /** For how long the running call has been running; 0 when none is. */
  get runningMs(): number {
    const [head] = this.#calls;
    return head === undefined ? 0 : performance.now() - head.startedMs;
  }

  /** Whether it should be replaced before its next call. */
  get isWorn(): boolean {
    return (
      this.#isRetiring ||
      this.#lastNumber >= MAX_CALLS ||
      this.#lastMiB > this.#firstMiB + PROCESS_SLACK_MIB ||
      performance.now() - this.#bornMs > MAX_AGE_MS
    );
  }

  /** Whether it has the unit. */
  holds(digest: string): boolean {
    return this.#units.has(digest);
  }

  /** How many calls of the unit are prepared. */
  sparesOf(digest: string): number {
    return this.#spares.get(digest) ?? 0;
  }

  /**
   * Runs one call after those it has. Never rejects; `signal`, not aborted yet, ends it as `killed`,
   * `cancelled`, or as `unstarted` where it waits.
   */
  run(call: ProcessCall, signal?: AbortSignal): Promise<ProcessEnd> {
    this.#lastNumber += 1;
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    const running: RunningCall = {
      call,
      number: this.#lastNumber,
      startedMs: 0,
      end: resolve,
      isAbandoned: false,
      isUndelivered: false,
      isHeard: false,
      wallTimer: undefined,
      watchTimer: undefined,
      signal,
      cancel: () => this.#cancel(running),
    };
    signal?.addEventListener("abort", running.cancel, { once: true });
    this.#calls.push(running);
    if (this.#calls[0] === running) this.#begin(running);
    this.#send(running);
    return promise;
  }

  /** Gives back, as `unstarted`, what waits behind the running call; the process ends with that one. */
  takeBack(): void {
    for (const waiting of this.#calls.splice(1)) settle(waiting, { kind: "unstarted" });
    this.#isRetiring = true;
  }

  /** Has the process load what calls will need; for one that nobody waits for. */
  warmUp(): void {
    this.#isPreparing = true;
    this.#write([toFrame({ kind: "warm-up" })]);
  }

  /** Takes no further call; the process ends with those it has. */
  drain(): void {
    this.#isRetiring = true;
  }

  /** Kills the process at once; `used` is what the running call took of what it is killed for. */
  kill(reason: KillReason, used = 0): void {
    if (this.#killed !== undefined) return;
    this.#killed = { reason, used };
    this.#child.kill("SIGKILL");
  }

  #begin(running: RunningCall): void {
    running.startedMs = performance.now();
    this.#lastNames = [];
    const { number, call } = running;
    const wallMs = running.isAbandoned ? ABANDONED_MS : call.wallMs;
    const preparingMs = this.#isPreparing ? MAX_PREPARING_MS : 0;
    running.wallTimer = setTimeout(() => this.#stopAtDeadline(running), wallMs + preparingMs);
    running.watchTimer = this.#watchLater(number);
  }

  #stopAtDeadline(running: RunningCall): void {
    if (running.isAbandoned) return this.kill("cancelled");
    this.#askWatchdog(running.number);
    running.wallTimer = setTimeout(() => this.#killAtDeadline(running), LAST_REPORT_MS);
    running.isOver = true;
  }

  /** A call that passed a limit may end by itself, but soon. */
  #halt(running: RunningCall | undefined, outcome: HostOutcome): void {
    if (running === undefined || running.halted !== undefined) return;
    running.halted = outcome;
    clearTimeout(running.wallTimer);
    running.wallTimer = setTimeout(() => this.kill("halted"), HALTED_MS);
  }

  #killAtDeadline({ startedMs }: RunningCall): void {
    this.kill("wall-time", performance.now() - startedMs);
  }

  #cancel(running: RunningCall): void {
    if (running === this.#calls[0]) return this.kill("cancelled");
    // It has not begun, and its neighbours have done nothing: it is left to run unheard.
    running.isAbandoned = true;
    settle(running, { kind: "unstarted" });
  }

  #send(running: RunningCall): void {
    const { call, number } = running;
    const { frame, input, unit } = call;
    const frames: Buffer[] = [];
    const add = (head: ToHost, body?: Uint8Array) => frames.push(toFrame(head, body));
    if (!this.#units.has(frame.digest)) {
      const [oldest] = this.#units;
      if (this.#units.size >= MAX_UNITS && oldest !== undefined) {
        this.#units.delete(oldest);
        this.#spares.delete(oldest);
        add({ kind: "drop", digest: oldest });
      }
      add({ kind: "load", digest: frame.digest }, unit);
    }
    this.#units.delete(frame.digest);
    this.#units.add(frame.digest);
    add({ kind: "call", epoch: this.epoch, call: number, ...frame }, Buffer.from(input));
    this.#write(frames, (error) => {
      running.isUndelivered = error !== null && error !== undefined;
    });
  }

  #write(frames: Buffer[], onWritten?: (error?: Error | null) => void): void {
    const [first] = frames;
    this.#child.stdin.write(frames.length === 1 ? first : Buffer.concat(frames), onWritten);
  }

  #receive(chunk: Buffer): void {
    if (this.#killed !== undefined) return;
    try {
      this.#assertMaySpeak();
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch {
      this.kill("bad-frame");
    }
  }

  /** Between calls no deadline ends a process that keeps the supervisor busy with its words. */
  #assertMaySpeak(): void {
    const isStarting = this.#onReady !== undefined;
    const isBusy = this.#calls.length > 0 || this.#isPreparing || this.#isRetiring;
    if (!isStarting && !isBusy) throw unasked("bytes");
  }

  #receiveErrors(chunk: Buffer): void {
    this.#stderrBytes += chunk.length;
    if (this.#stderrBytes > MAX_STDERR_BYTES) this.kill("bad-frame");
    if (this.#stderr.length >= STDERR_CHARS) return;
    this.#stderr = (this.#stderr + chunk.toString()).slice(0, STDERR_CHARS);
  }

  #handle({ head, body }: Frame): void {
    const frame = parseFromHost(head);
    switch (frame.kind) {
      case "ready":
        return this.#becomeReady();
      case "prepared":
        return this.#notePrepared(frame.spares);
      case "result":
        return this.#endFirst(this.#runningOf(frame), frame, body);
      case "ask":
        return void this.#serve(this.#runningOf(frame), frame, body);
      case "note":
        return this.#runningOf(frame)?.call.broker.note(frame.note);
      case "halted":
        return this.#halt(this.#runningOf(frame), frame.outcome);
      case "log":
        return this.#log(this.#runningOf(frame), frame.seq, body);
      default:
        return frame satisfies never;
    }
  }

  #becomeReady(): void {
    if (this.#onReady === undefined) throw unasked("ready");
    this.#onReady();
    this.#onReady = undefined;
  }

  #notePrepared(spares: number): void {
    if (!this.#isPreparing) throw unasked("prepared");
    this.#isPreparing = false;
    this.#onPrepared?.(spares);
    const [waiting] = this.#calls;
    if (waiting === undefined) return;
    // It begins now: what was prepared before it is none of its time.
    clearTimers(waiting);
    this.#begin(waiting);
  }

  /**
   * The running call, if that is what the frame is about; where the process runs what was taken back
   * from it, none. Throws `RangeError` at any other frame.
   */
  #runningOf({ epoch, call }: { readonly epoch: number; readonly call: number }) {
    const [head] = this.#calls;
    if (epoch === this.epoch && call === head?.number) return head;
    if (this.#isRetiring) return undefined;
    throw unasked(`a frame about call ${call}`);
  }

  #log(running: RunningCall | undefined, seq: number, text: Buffer): void {
    if (running === undefined || running.isAbandoned) return;
    running.isHeard = true;
    running.call.broker.log(seq, text.toString());
  }

  async #serve(
    running: RunningCall | undefined,
    { seq, name, args }: Extract<FromHost, { kind: "ask" }>,
    asked: Buffer,
  ): Promise<void> {
    if (running === undefined) return;
    running.isHeard = true;
    try {
      const { body, ...outcome } = running.isAbandoned
        ? CANCELLED
        : await running.call.broker.serve({ seq, name, args, body: asked });
      if (this.#killed !== undefined || this.#calls[0] !== running) return;
      this.#write([toFrame({ kind: "answer", call: running.number, seq, outcome }, body)]);
      if (this.#child.stdin.writableLength > MAX_UNREAD_BYTES) this.kill("bad-frame");
    } catch {
      this.kill("bad-frame");
    }
  }

  #endFirst(running: RunningCall | undefined, result: ResultFrame, body: Buffer): void {
    if (running === undefined) return;
    // What comes after its deadline comes too late.
    if (running.isOver) return this.#killAtDeadline(running);
    const { frame, broker, canPrepare } = running.call;
    if (!running.isAbandoned) for (const note of result.notes) broker.note(note);
    this.#noteSpares(frame.digest, result.spares);
    this.#calls.shift();
    if (running.number % CALLS_PER_LOOK === 0) this.#askWatchdog(running.number);
    settle(running, { kind: "result", result, body, wallMs: elapsedMs(running) });
    this.restingSinceMs = performance.now();
    const [next] = this.#calls;
    if (next !== undefined) this.#begin(next);
    else if (canPrepare) setImmediate(() => this.#prepare(frame));
  }

  /** One at a time, so that a call that comes meanwhile waits for one at most. */
  #prepare({ digest, limits }: Pick<HostCallFrame, "digest" | "limits">): void {
    const isResting = this.#calls.length === 0 && !this.#isPreparing;
    if (!isResting || !this.isAlive || this.isWorn || !this.#units.has(digest)) return;
    this.#isPreparing = true;
    this.#onPrepared = (spares) => {
      const hasMore = spares > this.sparesOf(digest);
      this.#noteSpares(digest, spares);
      if (hasMore) setImmediate(() => this.#prepare({ digest, limits }));
    };
    this.#write([toFrame({ kind: "prepare", digest, memoryMiB: limits.memoryMiB })]);
  }

  /** Of a unit that was dropped meanwhile there are none. */
  #noteSpares(digest: string, spares: number): void {
    if (this.#units.has(digest)) this.#spares.set(digest, spares);
  }

  #watchLater(number: number): NodeJS.Timeout {
    return setTimeout(() => this.#askWatchdog(number), WATCH_EVERY_MS);
  }

  #askWatchdog(number: number): void {
    this.#reportsDue += 1;
    this.#watch.write(Uint8Array.of(number % 256));
  }

  #receiveReports(chunk: Buffer): void {
    try {
      for (const report of this.#reports.push(chunk)) {
        if (this.#reportsDue === 0) throw unasked("a report");
        this.#reportsDue -= 1;
        this.#check(report);
      }
    } catch {
      this.kill("bad-frame");
    }
  }

  /** An answer about an earlier call may come late: it counts for nothing. */
  #check({ cpuMs, memoryMiB, request, names }: WatchReport): void {
    this.#firstMiB ||= Math.min(memoryMiB, MAX_FIRST_MIB);
    this.#lastMiB = memoryMiB;
    const [running] = this.#calls;
    if (running === undefined || request !== running.number % 256) return;
    this.#lastNames = names;
    if (running.isOver) return this.#killAtDeadline(running);
    const { call, number } = running;
    const grownMiB = memoryMiB - this.#firstMiB;
    if (cpuMs > call.cpuMs) return this.kill("cpu-time", cpuMs);
    if (grownMiB > call.frame.limits.memoryMiB + PROCESS_SLACK_MIB) {
      return this.kill("memory", grownMiB);
    }
    running.watchTimer = this.#watchLater(number);
  }

  async #ready(): Promise<void> {
    const ready = Promise.withResolvers<undefined>();
    const died = this.exited.then(({ stderr, exitCode, signal }) => {
      throw new Error(
        `Cannot start a sandbox process: it ended with ${signal ?? exitCode}: ${stderr.trim()}`,
      );
    });
    const timer = setTimeout(() => this.kill("retired"), START_TIMEOUT_MS).unref();
    this.#onReady = () => ready.resolve(undefined);
    died.catch(() => undefined);
    try {
      await Promise.race([ready.promise, died]);
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
    // The watchdog takes longer to start than a first call: it reports once by itself.
    this.#watch.once("data", () => clearTimeout(timer));
  }

  async #follow(): Promise<ProcessDeath> {
    const [exitCode, signal] = await closeOf(this.#child);
    const isOutOfMemory = wasOutOfMemory(this.#child);
    const death = { exitCode, signal, stderr: this.#stderr, isOutOfMemory };
    const killed = this.#killed;
    this.#killed ??= { reason: "retired", used: 0 };
    const [running, ...waiting] = this.#calls.splice(0);
    // An error may also come after all was written: who asked for something was delivered.
    if (running?.isUndelivered === true && !running.isHeard) settle(running, { kind: "unstarted" });
    else if (running !== undefined) {
      if (!running.isAbandoned) running.call.broker.noteNames(this.#lastNames);
      const wallMs = elapsedMs(running);
      const end =
        killed === undefined
          ? { kind: "died" as const, death }
          : { kind: "killed" as const, ...killed, halted: running.halted };
      settle(running, { ...end, wallMs });
    }
    for (const each of waiting) settle(each, { kind: "unstarted" });
    return death;
  }
}

interface RunningCall {
  readonly call: ProcessCall;
  readonly number: number;
  readonly end: (end: ProcessEnd) => void;
  readonly signal: AbortSignal | undefined;
  readonly cancel: () => void;
  startedMs: number;
  /** Cancelled before it began. */
  isAbandoned: boolean;
  /** The pipe broke before it was known that all of it was written. */
  isUndelivered: boolean;
  /** It asked for something or logged. */
  isHeard: boolean;
  /** Past its deadline. */
  isOver?: boolean;
  /** What ended it, though its guest may go on. */
  halted?: HostOutcome;
  wallTimer: NodeJS.Timeout | undefined;
  watchTimer: NodeJS.Timeout | undefined;
}

const CANCELLED = {
  kind: "error",
  message: "The call was cancelled",
  isDenied: false,
  body: undefined,
} as const;

function clearTimers({ wallTimer, watchTimer }: RunningCall): void {
  clearTimeout(wallTimer);
  clearTimeout(watchTimer);
}

function settle(running: RunningCall, end: ProcessEnd): void {
  clearTimers(running);
  running.signal?.removeEventListener("abort", running.cancel);
  running.call.broker.end();
  running.end(end);
}

function elapsedMs({ startedMs }: RunningCall): number {
  return startedMs === 0 ? 0 : performance.now() - startedMs;
}

function unasked(what: string): RangeError {
  return new RangeError(`Cannot take ${what} from a sandbox process: it was not asked for`);
}

function closeLater(pipes: readonly (Readable | Duplex | Writable)[]): void {
  setTimeout(() => {
    for (const pipe of pipes) pipe.destroy();
  }, LEFT_OPEN_MS).unref();
}

/** Writing to a process that just died is no news: its exit is what counts. */
function ignoreBrokenPipe(): void {}

/** Never rejects: an error of a process that has started is one of telling it something. */
function closeOf(child: HostProcess): Promise<readonly [number | null, string | null]> {
  child.on("error", ignoreBrokenPipe);
  return new Promise((resolve) => {
    child.once("close", (exitCode: number | null, signal: string | null) =>
      resolve([exitCode, signal]),
    );
  });
}
