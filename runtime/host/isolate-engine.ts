import ivm from "isolated-vm";
import type { Engine, EngineCall, EngineReply } from "./engine.ts";
import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";
import type { HostCalls } from "./host-calls.ts";
import { ISOLATE_BOOTSTRAP } from "./isolate-bootstrap.ts";

/** Contexts that ended stay in the heap until it is collected: an isolate serves this many. */
const CALLS_PER_ISOLATE = 20;
/** What earlier contexts may hold on top of a guest's own limit. */
const SLACK_MIB = 24;
/** A module that takes longer to load is loaded in its own call: a neighbour may be waiting. */
const MAX_PREPARE_MS = 20;
const MIB = 1_048_576;
/** V8's words when the isolate's limit leaves no room for an ArrayBuffer. */
const BUFFER_REFUSED = "Array buffer allocation failed";

/** Runs an ES module in a fresh context for every call, in isolates of its own. */
export class IsolateEngine implements Engine {
  readonly #source: string;
  #memoryMiB = 64;
  #current: GuestIsolate | undefined;
  #next: GuestIsolate | undefined;
  #prepareMs = 0;

  constructor(code: Uint8Array) {
    this.#source = new TextDecoder().decode(code);
  }

  call({ frame, input, hostCalls }: EngineCall): EngineReply {
    this.#resize(frame.limits.memoryMiB);
    const isolate = this.#take();
    const startedMs = performance.now();
    if (isolate.prepare()) this.#prepareMs = performance.now() - startedMs;
    try {
      return isolate.call({ frame, input, hostCalls });
    } catch (error) {
      if (isolate.isDisposed) {
        throw new GuestStop("memory", TOO_MUCH_MEMORY, this.#memoryMiB);
      }
      throw error;
    }
  }

  prepare(): void {
    if (this.#prepareMs > MAX_PREPARE_MS) return;
    const isolate = this.#take();
    isolate.prepare();
    if (isolate.isLastCall) {
      this.#next ??= this.#open();
      this.#next.prepare();
    }
  }

  dispose(): void {
    this.#current?.dispose();
    this.#next?.dispose();
  }

  #take(): GuestIsolate {
    if (this.#current === undefined || this.#current.isUsedUp) {
      this.#current?.dispose();
      this.#current = this.#next ?? this.#open();
      this.#next = undefined;
    }
    return this.#current;
  }

  #open(): GuestIsolate {
    return new GuestIsolate(this.#source, this.#memoryMiB);
  }

  #resize(memoryMiB: number): void {
    if (memoryMiB === this.#memoryMiB) return;
    this.dispose();
    this.#memoryMiB = memoryMiB;
    this.#current = undefined;
    this.#next = undefined;
  }
}

/** One isolate and the context that waits in it for the next call. */
class GuestIsolate {
  readonly #source: string;
  readonly #isolate: ivm.Isolate;
  readonly #ask: ivm.Callback;
  #hostCalls: HostCalls | undefined;
  #spare: GuestContext | undefined;
  #calls = 0;
  #isFull = false;

  constructor(source: string, memoryMiB: number) {
    this.#source = source;
    this.#isolate = new ivm.Isolate({ memoryLimit: memoryMiB + SLACK_MIB });
    this.#ask = new ivm.Callback((name: unknown, text: unknown) => this.#answer(name, text));
  }

  get isDisposed(): boolean {
    return this.#isolate.isDisposed;
  }

  get isLastCall(): boolean {
    return this.#calls >= CALLS_PER_ISOLATE - 1 || this.#isFull;
  }

  get isUsedUp(): boolean {
    return this.#calls >= CALLS_PER_ISOLATE || this.#isFull || this.isDisposed;
  }

  /** Whether there was something to do. */
  prepare(): boolean {
    const isMissing = this.#spare === undefined;
    this.#spare ??= openContext(this.#isolate, this.#ask, this.#source);
    return isMissing;
  }

  call({ frame, input, hostCalls }: EngineCall): EngineReply {
    this.prepare();
    const context = this.#spare;
    this.#spare = undefined;
    this.#calls += 1;
    if (context === undefined) throw new Error("Cannot call: no context is prepared");
    this.#hostCalls = hostCalls;
    const heldMiB = this.#heapMiB();
    try {
      const { outputKiB } = frame.limits;
      const output = runInContext(context, { tool: frame.tool, input, outputKiB });
      return { output, memoryMiB: Math.max(0, this.#heapMiB() - heldMiB) };
    } finally {
      this.#hostCalls = undefined;
      if (!this.isDisposed) this.#release(context);
    }
  }

  dispose(): void {
    if (!this.isDisposed) this.#isolate.dispose();
  }

  #release({ context }: GuestContext): void {
    context.release();
    this.#isFull = this.#heapMiB() > SLACK_MIB / 2;
  }

  #heapMiB(): number {
    const heap = this.#isolate.getHeapStatisticsSync();
    return (heap.used_heap_size + heap.externally_allocated_size) / MIB;
  }

  #answer(name: unknown, text: unknown): string {
    try {
      return `=${this.#serve(name, text)}`;
    } catch (error) {
      return `!${messageOf(error)}`;
    }
  }

  #serve(name: unknown, text: unknown): string | number {
    const hostCalls = this.#hostCalls;
    if (hostCalls === undefined) throw new Error("The call has ended");
    switch (name) {
      case "log":
        hostCalls.log(String(text));
        return "";
      case "now":
        return hostCalls.now();
      case "random":
        return toFraction(hostCalls.random());
      default:
        throw new Error("The host has no such function");
    }
  }
}

interface GuestContext {
  readonly context: ivm.Context;
  readonly invoke: ivm.Reference;
  readonly take: ivm.Reference;
  /** The guest's code, or why it does not load. */
  readonly module: ivm.Module | GuestStop;
}

function openContext(isolate: ivm.Isolate, ask: ivm.Callback, source: string): GuestContext {
  const context = isolate.createContextSync();
  const bootstrap = context.evalClosureSync(ISOLATE_BOOTSTRAP, [ask], {
    result: { reference: true },
  });
  return {
    context,
    invoke: bootstrap.getSync("invoke", { reference: true }),
    take: bootstrap.getSync("take", { reference: true }),
    module: loadModule(isolate, context, source),
  };
}

function loadModule(
  isolate: ivm.Isolate,
  context: ivm.Context,
  source: string,
): ivm.Module | GuestStop {
  try {
    const module = isolate.compileModuleSync(source, { filename: "skill.js" });
    const [imported] = module.dependencySpecifiers;
    if (imported !== undefined) {
      return new GuestStop("denied", `The skill imports "${imported}": a skill is one module`);
    }
    module.instantiateSync(context, () => {
      throw new Error("A skill is one module");
    });
    return module;
  } catch (error) {
    return new GuestStop("failed", `The skill's code does not load: ${messageOf(error)}`);
  }
}

interface ContextCall {
  readonly tool: string;
  readonly input: string;
  readonly outputKiB: number;
}

function runInContext(
  { module, invoke, take }: GuestContext,
  { tool, input, outputKiB }: ContextCall,
): string {
  if (module instanceof GuestStop) throw module;
  module.evaluateSync();
  const maxChars = outputKiB * 1024;
  invoke.applySync(undefined, [module.namespace.derefInto(), tool, input, maxChars]);
  const answer: unknown = take.applySync();
  if (typeof answer !== "string") throw new Error("The promise that run() gave never settles");
  return parseAnswer(answer);
}

function parseAnswer(answer: string): string {
  const colon = answer.indexOf(":");
  const kind = answer.slice(0, colon);
  const text = answer.slice(colon + 1);
  switch (kind) {
    case "ok":
      return text;
    case "size":
      throw new GuestStop("output-size", "The output is too large", Math.ceil(Number(text) / 1024));
    case "invalid":
      throw new GuestStop("invalid-output", `The output cannot be used: ${text}`);
    default:
      if (text === BUFFER_REFUSED) throw new GuestStop("memory", TOO_MUCH_MEMORY);
      throw new Error(text);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The upper 53 of 64 bits as a number from 0 to 1, 1 left out. */
function toFraction(bits: bigint): number {
  return Number(bits >> 11n) / 2 ** 53;
}
