import type { Engine, EngineCall, EngineReply } from "./engine.ts";
import { GuestContext } from "./guest-context.ts";
import { GuestIsolate } from "./guest-isolate.ts";
import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";

/** Contexts that wait for a call: as many as a burst of a chat's tool calls. */
const MAX_SPARES = 8;
/** A module that takes longer to load is loaded in its own call: a neighbour may be waiting. */
const MAX_LOAD_MS = 20;

/** Runs an ES module in a fresh context for every call, in isolates of its own. */
export class IsolateEngine implements Engine {
  readonly isQuickToPrepare = false;
  readonly #source: string;
  #memoryMiB = 0;
  /** Where contexts are made; after some it is used up and the next one takes its place. */
  #isolate: GuestIsolate | undefined;
  #spares: GuestContext[] = [];
  /** What the guest's code took to load the last time. */
  #loadMs = 0;

  constructor(code: Uint8Array) {
    this.#source = new TextDecoder().decode(code);
  }

  get spares(): number {
    return this.#spares.length;
  }

  call({ frame, input, hostCalls }: EngineCall): EngineReply {
    this.#resize(frame.limits.memoryMiB);
    const context = this.#take();
    try {
      return context.call({ frame, input, hostCalls });
    } catch (error) {
      if (context.isDisposed) throw new GuestStop("memory", TOO_MUCH_MEMORY, this.#memoryMiB);
      throw error;
    } finally {
      context.release();
    }
  }

  prepare(memoryMiB: number): void {
    this.#resize(memoryMiB);
    this.#dropDead();
    if (this.#spares.length >= MAX_SPARES || this.#loadMs > MAX_LOAD_MS) return;
    this.#spares.push(this.#open());
  }

  dispose(): void {
    for (const context of this.#spares) context.release();
    this.#isolate?.retire();
    this.#spares = [];
    this.#isolate = undefined;
  }

  #take(): GuestContext {
    this.#dropDead();
    return this.#spares.shift() ?? this.#open();
  }

  #open(): GuestContext {
    if (this.#isolate?.isUsedUp !== false) {
      this.#isolate?.retire();
      this.#isolate = new GuestIsolate(this.#memoryMiB);
    }
    const context = new GuestContext(this.#isolate, this.#source);
    this.#loadMs = context.loadMs;
    return context;
  }

  /** A call that takes too much memory takes its isolate with it, and the contexts prepared there. */
  #dropDead(): void {
    const isAlive = ({ isFit }: GuestContext) => isFit;
    if (this.#spares.every(isAlive)) return;
    for (const context of this.#spares) if (!context.isFit) context.release();
    this.#spares = this.#spares.filter(isAlive);
  }

  #resize(memoryMiB: number): void {
    if (memoryMiB === this.#memoryMiB) return;
    this.dispose();
    this.#memoryMiB = memoryMiB;
  }
}
