import type ivm from "isolated-vm";
import type { HostFunction, JsonValue } from "../protocol.ts";
import { GRANT_OF, LOCAL_FUNCTIONS } from "../protocol.ts";
import type { EngineCall, EngineReply } from "./engine.ts";
import type { GuestIsolate } from "./guest-isolate.ts";
import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";
import type { HostCalls, SettledAsk } from "./host-calls.ts";
import { loadIsolatedVm } from "./load-late.ts";

/** V8's words when the isolate's limit leaves no room for an ArrayBuffer. */
const BUFFER_REFUSED = "Array buffer allocation failed";

/** A realm with a skill's module in it, for one call. */
export class GuestContext {
  /** How long the guest's code took to load. */
  readonly loadMs: number;
  readonly #isolate: GuestIsolate;
  readonly #context: ivm.Context;
  /** See `isolate-bootstrap.ts`. */
  readonly #order: ivm.Reference;
  /** The guest's code, or why it does not load. */
  readonly #module: ivm.Module | GuestStop;
  #hostCalls: HostCalls | undefined;

  constructor(guest: GuestIsolate, source: string) {
    const { isolate } = guest;
    this.#isolate = guest;
    guest.hold();
    this.#context = isolate.createContextSync();
    const ask = new (loadIsolatedVm().Callback)((name: unknown, text: unknown, body: unknown) =>
      this.#answer(name, text, body),
    );
    const bootstrap = guest.bootstrap.runSync(this.#context, { reference: true });
    this.#order = bootstrap.applySync(undefined, [ask], { result: { reference: true } });
    const startedMs = performance.now();
    this.#module = loadModule(isolate, this.#context, source);
    this.loadMs = performance.now() - startedMs;
  }

  get isDisposed(): boolean {
    return this.#isolate.isDisposed;
  }

  /** Whether a call may still run here. */
  get isFit(): boolean {
    return !this.isDisposed && !this.#isolate.isFull;
  }

  call({ frame, input, hostCalls }: EngineCall): EngineReply {
    const heldMiB = this.#isolate.heapMiB();
    this.#hostCalls = hostCalls;
    try {
      const maxChars = frame.limits.outputKiB * 1024;
      const output = this.#run(hostCalls, { tool: frame.tool, input, maxChars });
      return { output, memoryMiB: Math.max(0, this.#isolate.heapMiB() - heldMiB) };
    } finally {
      this.#hostCalls = undefined;
    }
  }

  release(): void {
    if (!this.isDisposed) this.#context.release();
    this.#isolate.release();
  }

  #run(hostCalls: HostCalls, { tool, input, maxChars }: GuestCall): string {
    if (this.#module instanceof GuestStop) throw this.#module;
    this.#module.evaluateSync();
    const namespace = this.#module.namespace.derefInto();
    this.#order.applySync(undefined, ["invoke", namespace, tool, input, maxChars]);
    for (;;) {
      const answer: unknown = this.#order.applySync(undefined, ["take"]);
      if (typeof answer === "string") return parseAnswer(answer);
      if (hostCalls.stop !== undefined) throw hostCalls.stop;
      if (!hostCalls.isWaiting) throw new Error("The promise that run() gave never settles");
      this.#settle(hostCalls.settle());
    }
  }

  #settle({ seq, answer }: SettledAsk): void {
    if (answer instanceof Error) {
      this.#order.applySync(undefined, ["deliver", seq, false, answer.message]);
      return;
    }
    const body = Buffer.from(answer.body);
    const text = body.toString();
    // Bytes that are no text come as a character each: nothing else crosses into the realm.
    const chars = Buffer.from(text).equals(body) ? undefined : body.toString("latin1");
    const value = JSON.stringify(answer.value);
    this.#order.applySync(undefined, ["deliver", seq, true, value, text, chars]);
  }

  /** Answers the guest: "=" and the answer or "!" and why there is none. */
  #answer(name: unknown, text: unknown, body: unknown): string {
    try {
      return `=${this.#serve(String(name), String(text), body)}`;
    } catch (error) {
      return `!${messageOf(error)}`;
    }
  }

  #serve(name: string, text: string, body: unknown): string | number {
    const hostCalls = this.#hostCalls;
    if (hostCalls === undefined) throw new Error("The call has ended");
    switch (name) {
      case "log":
        hostCalls.log(text);
        return "";
      case "now":
        return hostCalls.now();
      case "random":
        return toFraction(hostCalls.random());
      case "send": {
        const [asked, args] = JSON.parse(text) as [unknown, JsonValue];
        return hostCalls.send(parseAsked(asked), args, toBytes(body));
      }
      default:
        throw new Error("The host has no such function");
    }
  }
}

interface GuestCall {
  readonly tool: string;
  readonly input: string;
  readonly maxChars: number;
}

function parseAsked(name: unknown): HostFunction {
  const isBrokered =
    typeof name === "string" &&
    Object.hasOwn(GRANT_OF, name) &&
    name !== "log" &&
    !LOCAL_FUNCTIONS.some((each) => each === name);
  if (!isBrokered) throw new Error("The host has no such function");
  return name as HostFunction;
}

function toBytes(body: unknown): Uint8Array | undefined {
  if (typeof body !== "string" || body === "") return undefined;
  return Buffer.from(body.slice(1), body.startsWith("b") ? "latin1" : "utf8");
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
