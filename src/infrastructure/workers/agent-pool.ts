import type { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { BroadcastChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { SkillsThereAre } from "#application/ports/list-skills.ts";
import type { ShownFrames } from "#application/ports/live-frame.ts";
import type { Logger } from "#application/ports/logger.ts";
import type { RunResult, TurnDispatch, TurnRunner } from "#application/ports/turn-runner.ts";
import type { Brake } from "#domain/brake/brake.ts";
import { Fault, type FaultCode } from "#domain/shared/fault.ts";
import type { SessionId, TaskId, TurnId, UserId } from "#domain/shared/id.ts";
import type { Task } from "#domain/task/task.ts";
import { failpoint } from "../failpoints/failpoints.ts";
import type { ThreadMeasures } from "../telemetry/thread-meter.ts";
import {
  AGENT_CHANNEL,
  type AgentNote,
  type AgentNotice,
  type AgentOrder,
  type AgentThreadData,
} from "./protocol.ts";

export interface AgentPoolOptions {
  readonly file: URL;
  readonly threads: number;
  readonly data: AgentThreadData;
  readonly log: Logger;
}

/** Whom the threads talk to. */
export interface AgentListener {
  /** Connects a thread to the writing store. */
  readonly attachStore: (port: MessagePort) => void;
  /** Takes what a running turn shows, in order. */
  readonly onShown: (shown: ShownFrames) => void;
  /** All the turn showed was given to `onShown`, and is stored. */
  readonly onEnded: (sessionId: SessionId, turnId: TurnId) => void;
  readonly onMeasured?: (measures: ThreadMeasures) => void;
  /** Tasks in the background have ended, and their reports are due. */
  readonly onReportsDue?: () => void;
  /** The thread died whose calls went on without this turn. */
  readonly onCallsLost?: (turnId: TurnId) => void;
}

/** Turns that one thread runs side by side at most; they wait for models and skills mostly. */
const TURNS_PER_THREAD = 4_096;
/** How long the main thread attends to the threads at a stretch. */
const SLICE_MS = 2;
const NICE = 5;
/** How long threads may take to end what others keep for them, before they are stopped. */
const CLOSE_MOST_MS = 3_000;

interface Run {
  readonly dispatch: TurnDispatch;
  readonly settle: PromiseWithResolvers<RunResult>;
}

/** The threads that run turns. */
export class AgentPool implements TurnRunner, AsyncDisposable {
  readonly #piscina: Piscina;
  readonly #orders = new BroadcastChannel(AGENT_CHANNEL);
  readonly #runs = new Map<TurnId, Run>();
  readonly #options: AgentPoolOptions;
  readonly #lost = Promise.withResolvers<Error>();
  #mode: "starting" | "ready" | "closing" = "starting";
  /** What the last thread died of that had no turn to reject. */
  #lastDeath: unknown;
  #listener: AgentListener | undefined;
  /** The answer that is waited for. */
  #listed: Promise<SkillsThereAre> | undefined;
  /** What is still to be passed on. */
  readonly #notes: AgentNote[] = [];
  /** How many threads have not said that they have closed, and what waits for them. */
  #closing: { left: number; readonly settle: PromiseWithResolvers<void> } | undefined;
  /** Said before there was a listener. */
  #early: AgentNotice[] = [];

  /** Starts the threads; they begin to work with `listen`. */
  constructor(options: AgentPoolOptions) {
    const { file, threads, data } = options;
    this.#options = options;
    this.#orders.unref();
    this.#piscina = new Piscina({
      filename: file.href,
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: TURNS_PER_THREAD,
      // "sync" would stop a thread's event loop, and with it its streams, between two tasks.
      atomics: "disabled",
      recordTiming: false,
      // The pool would try `require` first, and a thread that is stopped while it requires an ES
      // module takes the whole process along ("IsGraphAsync must be used on an instantiated module").
      execArgv: ["--no-experimental-require-module"],
      // Where the processors are busy the gateway's thread goes first.
      niceIncrement: NICE,
      workerData: data,
    });
    const events: EventEmitter = this.#piscina;
    events.on("message", (notice: AgentNotice) => this.#take(notice));
    events.on("error", (error: unknown) => this.#takeDeath(error));
    events.on("workerDestroy", () => setImmediate(() => this.#checkThreads()));
  }

  /** How many turns run. */
  get running(): number {
    return this.#runs.size;
  }

  /** Fulfilled where a thread died and another cannot be started: some turns would never run. */
  get lost(): Promise<Error> {
    return this.#lost.promise;
  }

  /** Takes in what the threads say; before this no turn can run. */
  listen(listener: AgentListener): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const notice of early) this.#take(notice);
  }

  /** Fulfilled when every thread can take a turn; rejects where the threads cannot start. */
  async ready(): Promise<void> {
    const { threads } = this.#options;
    const tasks = Array.from({ length: threads }, () => this.#piscina.run({ kind: "warm-up" }));
    // A task that no thread is left for would wait for ever.
    const lost = this.lost.then((error) => Promise.reject(error.cause ?? error));
    await Promise.race([Promise.all(tasks), lost]).catch(throwAsFault);
    this.#mode = "ready";
  }

  async run(dispatch: TurnDispatch): Promise<RunResult> {
    const settle = Promise.withResolvers<RunResult>();
    const run = { dispatch, settle };
    this.#runs.set(dispatch.turnId, run);
    failpoint("turn:hand-over");
    const task: Promise<RunResult> = this.#piscina.run({ kind: "turn", dispatch });
    // How it ended comes as a note, behind all it showed; here come only the other ways out.
    let isOver = false;
    task.then(
      (result) => result.kind === "fenced" && settle.resolve(result),
      (error: unknown) => {
        settle.reject(error);
        if (isOver && this.#mode !== "closing") this.#listener?.onCallsLost?.(dispatch.turnId);
      },
    );
    try {
      return await settle.promise;
    } finally {
      isOver = true;
      // A later run of the same turn may have taken its place.
      if (this.#runs.get(dispatch.turnId) === run) this.#runs.delete(dispatch.turnId);
    }
  }

  /**
   * The skills as one of the threads has them now; rejects where that thread died. Whoever asks while
   * it is asked gets the same answer: a crowd costs a thread no more than one.
   */
  listSkills(): Promise<SkillsThereAre> {
    this.#listed ??= (
      this.#piscina.run({ kind: "list-skills" }) as Promise<SkillsThereAre>
    ).finally(() => {
      this.#listed = undefined;
    });
    return this.#listed;
  }

  /** Makes a skill call that belongs to no turn; rejects where its thread died. */
  async callSkill(task: Task): Promise<Task> {
    return this.#piscina.run({ kind: "call", task }) as Promise<Task>;
  }

  cancel(turnId: TurnId): void {
    this.#orders.postMessage({ kind: "cancel", turnId } satisfies AgentOrder);
  }

  /** Stops one call of a tool, in whichever thread it is made. */
  cancelTask(taskId: TaskId): void {
    this.#orders.postMessage({ kind: "cancel-task", taskId } satisfies AgentOrder);
  }

  /** Stops all calls of a user or a session that is gone; most go with their turns. */
  stopCallsOf(owner: UserId | SessionId): void {
    this.#orders.postMessage({ kind: "stop-calls", owner } satisfies AgentOrder);
  }

  abandon(turnId: TurnId): void {
    this.#orders.postMessage({ kind: "abandon", turnId } satisfies AgentOrder);
  }

  /** Stops all that runs and lets nothing begin, or lets turns begin again. */
  brake(brake: Brake | undefined): void {
    this.#orders.postMessage({ kind: "brake", brake } satisfies AgentOrder);
  }

  /** Takes a few seconds at most, whatever the threads wait for. */
  async [Symbol.asyncDispose](): Promise<void> {
    // Threads that only start have nothing yet, and might not hear.
    const isReady = this.#mode === "ready";
    this.#mode = "closing";
    if (isReady) await this.#closeThreads();
    this.#orders.close();
    await this.#piscina.destroy();
  }

  async #closeThreads(): Promise<void> {
    const settle = Promise.withResolvers<void>();
    this.#closing = { left: this.#piscina.threads.length, settle };
    if (this.#closing.left === 0) return;
    this.#orders.postMessage({ kind: "close" } satisfies AgentOrder);
    await Promise.race([settle.promise, delay(CLOSE_MOST_MS, undefined, { ref: false })]);
  }

  #noteClosed(): void {
    if (this.#closing === undefined) return;
    this.#closing.left -= 1;
    if (this.#closing.left === 0) this.#closing.settle.resolve();
  }

  /** The pool gives a thread that dies while it starts no successor. */
  #checkThreads(): void {
    const { threads } = this.#options;
    const left = this.#piscina.threads.length;
    if (this.#mode === "closing" || left >= threads) return;
    const message = `Only ${left} of ${threads} agent threads can be started`;
    this.#lost.resolve(new Error(message, { cause: this.#lastDeath }));
  }

  /** Before the pool is ready, whoever waits for that is told. */
  #takeDeath(error: unknown): void {
    this.#lastDeath = error;
    if (this.#mode === "ready") this.#options.log.error({ error }, "An agent thread died");
  }

  #take(notice: AgentNotice): void {
    const listener = this.#listener;
    if (notice.kind === "closed") this.#noteClosed();
    else if (listener === undefined) this.#early.push(notice);
    else if (notice.kind === "store-port") attachStore(listener, notice.port);
    else if (notice.kind === "reports-due") listener.onReportsDue?.();
    else if (notice.kind === "measured") listener.onMeasured?.(notice.measures);
    else {
      const isFirst = this.#notes.length === 0;
      for (const note of notice.notes) this.#notes.push(note);
      if (isFirst) this.#takeNotes(listener);
    }
  }

  /** Works off what threads have said, in slices: between two of them sockets get their turn. */
  #takeNotes(listener: AgentListener): void {
    const endMs = performance.now() + SLICE_MS;
    let taken = 0;
    for (const note of this.#notes) {
      if (taken > 0 && performance.now() > endMs) break;
      this.#takeNote(note, listener);
      taken += 1;
    }
    this.#notes.splice(0, taken);
    if (this.#notes.length > 0) setImmediate(() => this.#takeNotes(listener));
  }

  #takeNote(note: AgentNote, listener: AgentListener): void {
    const run = this.#runs.get(note.turnId);
    // A late word of a run that was given up.
    if (run === undefined || run.dispatch.epoch !== note.epoch) return;
    if (note.kind === "shown") {
      listener.onShown(note);
      return;
    }
    failpoint("turn:settle");
    listener.onEnded(run.dispatch.sessionId, note.turnId);
    run.settle.resolve({ kind: note.kind, headSeq: note.headSeq });
  }
}

/** A thread that has died meanwhile took its port along: there is nothing to connect. */
function attachStore(listener: AgentListener, port: MessagePort): void {
  try {
    listener.attachStore(port);
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== "DataCloneError") throw error;
  }
}

/** A fault of a thread arrives as a plain error that has the fault's own fields. */
function throwAsFault(error: unknown): never {
  if (!(error instanceof Error) || error.name !== "Fault" || !("code" in error)) throw error;
  throw new Fault(error.code as FaultCode, error.message, { cause: error });
}
