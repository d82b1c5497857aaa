import { once } from "node:events";
import type { Duplex } from "node:stream";
import {
  type Frame,
  FrameReader,
  type FromHost,
  type HostCallFrame,
  parseFromHost,
  type ToHost,
  toFrame,
} from "../protocol.ts";
import { detectLayers } from "./layers/detect-layers.ts";
import type { HostProcess } from "./layers/spawn-in-layers.ts";
import { spawnHost, watchPipeOf } from "./spawn-host.ts";

/** One call as a sandbox process runs it. */
export interface ProcessCall {
  readonly frame: Omit<HostCallFrame, "epoch" | "call">;
  readonly input: string;
  /** The bytes of the unit, sent when this process does not hold it yet. */
  readonly unit: Uint8Array;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** How a call ended; after all but `result` the process is gone. */
export type ProcessEnd =
  | { readonly kind: "result"; readonly result: ResultFrame; readonly body: Buffer }
  | { readonly kind: "killed"; readonly reason: KillReason; readonly used: number }
  | { readonly kind: "died"; readonly death: ProcessDeath };

export type ResultFrame = Extract<FromHost, { kind: "result" }>;
export type KillReason =
  | "wall-time"
  | "cpu-time"
  | "memory"
  | "cancelled"
  | "bad-frame"
  | "retired";

export interface ProcessDeath {
  readonly signal: string | null;
  readonly exitCode: number | null;
  /** The beginning of what the process wrote to stderr: a fatal error comes before its stack. */
  readonly stderr: string;
}

const START_TIMEOUT_MS = 20_000;
const WATCH_EVERY_MS = 50;
const WATCH_REPORT_BYTES = 24;
const STDERR_CHARS = 4_096;
const MAX_UNITS = 16;
const MAX_RESULT_BYTES = 16 * 1_048_576;
/** What a process may hold on top of its first size and the memory of the call. */
const PROCESS_SLACK_MIB = 160;
const MAX_CALLS = 20_000;

let lastEpoch = 0;

/** A sandbox process: runs one call at a time and is killed when a call goes too far. */
export class SandboxProcess {
  readonly epoch: number;
  /** Settles when the process is gone. */
  readonly exited: Promise<ProcessDeath>;
  readonly #child: HostProcess;
  readonly #watch: Duplex;
  readonly #reader = new FrameReader(MAX_RESULT_BYTES);
  readonly #units = new Set<string>();
  #running: RunningCall | undefined;
  #onReady: (() => void) | undefined;
  #killed: { readonly reason: KillReason; readonly used: number } | undefined;
  #stderr = "";
  #firstMiB = 0;
  #lastMiB = 0;
  #calls = 0;

  private constructor(child: HostProcess) {
    lastEpoch += 1;
    this.epoch = lastEpoch;
    this.#child = child;
    this.#watch = watchPipeOf(child);
    this.exited = this.#follow();
    child.stdout.on("data", (chunk: Buffer) => this.#receive(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(0, STDERR_CHARS);
    });
    this.#watch.on("data", (reports: Buffer) => this.#checkReport(reports));
    for (const pipe of [child.stdin, this.#watch]) pipe.on("error", ignoreBrokenPipe);
  }

  /** Starts a process and waits until it takes calls. Rejects with an `Error` that says why not. */
  static async start(): Promise<SandboxProcess> {
    const child = spawnHost(await detectLayers());
    if (child.pid === undefined) {
      const [error] = await once(child, "error");
      throw new Error(`Cannot start a sandbox process: ${String(error)}`, { cause: error });
    }
    const started = new SandboxProcess(child);
    await started.#ready();
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get calls(): number {
    return this.#calls;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Whether it should be replaced before its next call. */
  get isWorn(): boolean {
    return this.#calls >= MAX_CALLS || this.#lastMiB > this.#firstMiB + PROCESS_SLACK_MIB;
  }

  /** Runs one call. Never rejects. */
  async run(call: ProcessCall): Promise<ProcessEnd> {
    if (this.#running !== undefined) throw new Error("Cannot run: the process is busy");
    this.#calls += 1;
    const ended = Promise.withResolvers<ProcessEnd>();
    this.#running = {
      call,
      number: this.#calls,
      startedMs: performance.now(),
      end: ended.resolve,
      wallTimer: setTimeout(() => this.kill("wall-time", this.#elapsedMs()), call.wallMs),
      watchTimer: this.#watchLater(this.#calls),
    };
    this.#send(call);
    return ended.promise;
  }

  /** Kills the process at once; `used` is what the running call took of what it is killed for. */
  kill(reason: KillReason, used = 0): void {
    if (this.#killed !== undefined) return;
    this.#killed = { reason, used };
    this.#child.kill("SIGKILL");
  }

  #send({ frame, input, unit }: ProcessCall): void {
    const frames: Buffer[] = [];
    const add = (head: ToHost, body?: Uint8Array) => frames.push(toFrame(head, body));
    if (!this.#units.has(frame.digest)) {
      const [oldest] = this.#units;
      if (this.#units.size >= MAX_UNITS && oldest !== undefined) {
        this.#units.delete(oldest);
        add({ kind: "drop", digest: oldest });
      }
      add({ kind: "load", digest: frame.digest }, unit);
    }
    this.#units.delete(frame.digest);
    this.#units.add(frame.digest);
    const named = { kind: "call", epoch: this.epoch, call: this.#calls, ...frame } as const;
    add(named, Buffer.from(input));
    this.#child.stdin.write(frames.length === 1 ? frames[0] : Buffer.concat(frames));
  }

  #receive(chunk: Buffer): void {
    if (this.#killed !== undefined) return;
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch {
      this.kill("bad-frame");
    }
  }

  #handle({ head, body }: Frame): void {
    const frame = parseFromHost(head);
    if (frame.kind === "ready") return this.#onReady?.();
    const isCurrent = frame.epoch === this.epoch && frame.call === this.#running?.number;
    if (isCurrent) this.#end({ kind: "result", result: frame, body });
  }

  #end(end: ProcessEnd): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    clearTimeout(running.wallTimer);
    clearTimeout(running.watchTimer);
    running.end(end);
  }

  #watchLater(call: number): NodeJS.Timeout {
    return setTimeout(() => this.#watch.write(Uint8Array.of(call % 256)), WATCH_EVERY_MS);
  }

  /**
   * The watchdog's answer, as doubles: processor time of the call, memory of the process, call. An
   * answer about an earlier call may have come late, together with it: the last one counts.
   */
  #checkReport(reports: Buffer): void {
    if (reports.length % WATCH_REPORT_BYTES !== 0) return this.kill("bad-frame");
    const report = reports.subarray(-WATCH_REPORT_BYTES);
    const cpuMs = report.readDoubleLE(0);
    const memoryMiB = report.readDoubleLE(8);
    this.#firstMiB ||= memoryMiB;
    this.#lastMiB = memoryMiB;
    if (this.#running === undefined || report.readDoubleLE(16) !== this.#running.number % 256)
      return;
    const { call, number } = this.#running;
    const grownMiB = memoryMiB - this.#firstMiB;
    if (cpuMs > call.cpuMs) return this.kill("cpu-time", cpuMs);
    if (grownMiB > call.frame.limits.memoryMiB + PROCESS_SLACK_MIB) {
      return this.kill("memory", grownMiB);
    }
    this.#running.watchTimer = this.#watchLater(number);
  }

  #elapsedMs(): number {
    return this.#running === undefined ? 0 : performance.now() - this.#running.startedMs;
  }

  async #ready(): Promise<void> {
    const ready = Promise.withResolvers<undefined>();
    const died = this.exited.then(({ stderr, exitCode, signal }) => {
      throw new Error(
        `Cannot start a sandbox process: it ended with ${signal ?? exitCode}: ${stderr.trim()}`,
      );
    });
    const timer = setTimeout(() => this.kill("retired"), START_TIMEOUT_MS);
    this.#onReady = () => ready.resolve(undefined);
    // The watchdog reports once by itself: without it no call may run.
    await Promise.race([Promise.all([ready.promise, once(this.#watch, "data")]), died]);
    clearTimeout(timer);
    died.catch(() => undefined);
  }

  async #follow(): Promise<ProcessDeath> {
    const [exitCode, signal] = (await once(this.#child, "close")) as [number | null, string | null];
    const death = { exitCode, signal, stderr: this.#stderr };
    this.#end(
      this.#killed === undefined ? { kind: "died", death } : { kind: "killed", ...this.#killed },
    );
    return death;
  }
}

interface RunningCall {
  readonly call: ProcessCall;
  readonly number: number;
  readonly startedMs: number;
  readonly end: (end: ProcessEnd) => void;
  readonly wallTimer: NodeJS.Timeout;
  watchTimer: NodeJS.Timeout;
}

/** Writing to a process that just died is no news: its exit is what counts. */
function ignoreBrokenPipe(): void {}
