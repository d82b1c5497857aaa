/** Any value that survives `JSON.parse(JSON.stringify(value))`. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/**
 * Frames between the supervisor and a sandbox process, on its stdin and stdout:
 * `u32 bytes after this field | u32 bytes of the head | head, JSON | body`, little endian.
 * A call's body is its input as JSON text, an `ok` result's is the output as JSON text; an ask and
 * its answer may carry bytes. Results come in the order of the calls.
 */
export type ToHost =
  /** Keeps the unit in the body, packed by `packUnit`; `digest` is its sha256 in hex. */
  | { readonly kind: "load"; readonly digest: string }
  | { readonly kind: "drop"; readonly digest: string }
  /** Nobody waits: time to load what a first call would have to. */
  | { readonly kind: "warm-up" }
  /** Nobody waits: time to prepare a coming call of the unit. */
  | { readonly kind: "prepare"; readonly digest: string; readonly memoryMiB: number }
  | ({ readonly kind: "call" } & HostCallFrame)
  | ({ readonly kind: "answer" } & AnswerFrame);

/** `epoch` names the process, `call` counts its calls: answers carry both. */
export interface HostCallFrame {
  readonly epoch: number;
  readonly call: number;
  /** The unit to run. */
  readonly digest: string;
  readonly tool: string;
  readonly limits: HostLimits;
  readonly grants: Readonly<Record<Grant, boolean>>;
  /** What the clock shows at the start of the call. */
  readonly startMs: number;
  /** Where `random` begins. */
  readonly seed: string;
}

export interface HostLimits {
  readonly memoryMiB: number;
  readonly outputKiB: number;
  readonly logKiB: number;
  readonly hostCalls: number;
  readonly hostCallsPerSecond: number;
  readonly hostCallsAtOnce: number;
}

/** What came of the ask `seq` of the call. */
export interface AnswerFrame {
  readonly call: number;
  readonly seq: number;
  readonly outcome:
    | { readonly kind: "ok"; readonly value: JsonValue }
    | { readonly kind: "error"; readonly message: string; readonly isDenied: boolean };
}

export type FromHost =
  | { readonly kind: "ready" }
  /** What a `prepare` came to: how many calls of the unit are prepared. Also answers `warm-up`. */
  | { readonly kind: "prepared"; readonly digest: string; readonly spares: number }
  | {
      readonly kind: "result";
      readonly epoch: number;
      readonly call: number;
      readonly outcome: HostOutcome;
      readonly cpuMs: number;
      readonly memoryMiB: number;
      /** Calls of this unit that are prepared. */
      readonly spares: number;
      readonly notes: readonly HostNote[];
    }
  /** What a guest asks of the broker. */
  | {
      readonly kind: "ask";
      readonly epoch: number;
      readonly call: number;
      readonly seq: number;
      readonly name: HostFunction;
      readonly args: JsonValue;
    }
  /** A limit ended the call: what comes of it, whatever the guest does next. */
  | {
      readonly kind: "halted";
      readonly epoch: number;
      readonly call: number;
      readonly outcome: HostOutcome;
    }
  /** A note, at once: the watchdog, who else would tell of a killed call, is not up yet. */
  | {
      readonly kind: "note";
      readonly epoch: number;
      readonly call: number;
      readonly note: HostNote;
    }
  /** What a guest logged, in the body, at once: it is on record whatever comes of the call. */
  | {
      readonly kind: "log";
      readonly epoch: number;
      readonly call: number;
      readonly seq: number;
    };

export type HostOutcome =
  | { readonly kind: "ok" }
  | {
      readonly kind: "error";
      readonly code: HostErrorCode;
      readonly message: string;
      readonly used?: number;
    };

const HOST_ERROR_CODES = [
  "memory",
  "output-size",
  "log-size",
  "host-calls",
  "host-call-rate",
  "host-call-concurrency",
  "denied",
  "invalid-input",
  "invalid-output",
  "failed",
] as const;
export type HostErrorCode = (typeof HOST_ERROR_CODES)[number];

/** What a guest may call, and the grant it needs. */
export const GRANT_OF = {
  log: "log",
  now: "clock",
  random: "random",
  config: "config",
  http: "http",
  "kv-get": "kv",
  "kv-set": "kv",
  "kv-delete": "kv",
  "kv-list": "kv",
  schedule: "schedule",
} as const;
export type HostFunction = keyof typeof GRANT_OF;
export type Grant = (typeof GRANT_OF)[HostFunction];
export const HOST_FUNCTIONS = Object.keys(GRANT_OF) as readonly HostFunction[];
/** No limit allows more in one call. */
export const MAX_HOST_CALLS = 10_000;
/** The arguments of an ask as JSON text. */
export const MAX_ARGS_CHARS = 256 * 1_024;

/** What an ask may carry: as much as the broker would take at all. */
export function maxBodyBytes(name: HostFunction): number {
  return name === "http" ? 4 * 1_048_576 : 65_536;
}

/** A host call that was answered in the sandbox process itself: `now` and `random`. */
export interface HostNote {
  readonly seq: number;
  readonly name: LocalFunction;
  readonly value: number | string;
}

export const LOCAL_FUNCTIONS = ["now", "random"] as const;
export type LocalFunction = (typeof LOCAL_FUNCTIONS)[number];

/** The code of a skill with the contracts of its tools. */
export interface Unit {
  readonly engine: "isolate" | "wasm";
  readonly tools: readonly UnitTool[];
  readonly code: Uint8Array;
}

export interface UnitTool {
  readonly name: string;
  readonly inputSchema: JsonValue;
  readonly outputSchema?: JsonValue | undefined;
}

const MAX_FRAME_BYTES = 32 * 1_048_576;
/** Chunks below this are joined: a frame that comes byte by byte must not cost an object for each. */
const SMALL_CHUNK_BYTES = 4_096;
export const MAX_MESSAGE_CHARS = 500;
const MOST_SPARES = 64;
const FIELD_BYTES = 4;
const NO_BYTES = Buffer.alloc(0);

/** One frame as the bytes to write. */
export function toFrame(head: ToHost | FromHost, body: Uint8Array = NO_BYTES): Buffer {
  const text = JSON.stringify(head);
  const headBytes = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(2 * FIELD_BYTES + headBytes + body.length);
  frame.writeUInt32LE(FIELD_BYTES + headBytes + body.length, 0);
  frame.writeUInt32LE(headBytes, FIELD_BYTES);
  frame.write(text, 2 * FIELD_BYTES);
  frame.set(body, 2 * FIELD_BYTES + headBytes);
  return frame;
}

export interface Frame {
  readonly head: unknown;
  readonly body: Buffer;
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #maxHeadBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number = MAX_FRAME_BYTES, maxHeadBytes: number = maxBytes) {
    this.#maxBytes = maxBytes;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** The frames that `chunk` completes. Throws `RangeError` when the bytes are no frames. */
  push(chunk: Buffer): Frame[] {
    this.#add(chunk);
    const frames: Frame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.length + chunk.length < SMALL_CHUNK_BYTES) {
      this.#chunks[this.#chunks.length - 1] = Buffer.concat([last, chunk]);
    } else this.#chunks.push(chunk);
  }

  #next(): Frame | undefined {
    if (this.#bytes < FIELD_BYTES) return undefined;
    const first = this.#chunks[0];
    if (first === undefined || first.length < FIELD_BYTES) this.#join();
    const frameBytes = this.#chunks[0]?.readUInt32LE(0) ?? 0;
    if (frameBytes < FIELD_BYTES || frameBytes > this.#maxBytes) {
      throw new RangeError(
        `Cannot read a frame of ${frameBytes} bytes: expected ${FIELD_BYTES} to ${this.#maxBytes}`,
      );
    }
    const end = FIELD_BYTES + frameBytes;
    if (this.#bytes < end) return undefined;
    const buffer = this.#join();
    this.#chunks = buffer.length === end ? [] : [buffer.subarray(end)];
    this.#bytes -= end;
    return parseFrame(buffer.subarray(FIELD_BYTES, end), this.#maxHeadBytes);
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    const joined =
      first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

function parseFrame(bytes: Buffer, maxHeadBytes: number): Frame {
  const headBytes = bytes.readUInt32LE(0);
  if (headBytes > maxHeadBytes) {
    throw new RangeError(
      `Cannot read a frame with a head of ${headBytes} bytes: expected at most ${maxHeadBytes}`,
    );
  }
  const headEnd = FIELD_BYTES + headBytes;
  if (headEnd > bytes.length) {
    throw new RangeError(`Cannot read a frame: its head ends after its ${bytes.length} bytes`);
  }
  return {
    head: JSON.parse(bytes.toString("utf8", FIELD_BYTES, headEnd)),
    body: bytes.subarray(headEnd),
  };
}

/** What the supervisor says, as the host reads it: it comes from this program itself. */
export function parseToHost(head: unknown): ToHost {
  const { kind } = asRecord(head);
  if (TO_HOST.has(kind)) return head as ToHost;
  throw new RangeError(`Cannot read a frame of kind "${String(kind)}"`);
}

const TO_HOST = new Set<unknown>(["warm-up", "load", "drop", "prepare", "call", "answer"]);

/** What a sandbox process says. It may be in a guest's hands: nothing in it is trusted. */
export function parseFromHost(head: unknown): FromHost {
  const record = asRecord(head);
  const { kind } = record;
  if (kind === "ready") return { kind };
  if (kind === "prepared") {
    return { kind, digest: asText(record["digest"]), spares: asSpares(record["spares"]) };
  }
  const about = { epoch: asAmount(record["epoch"]), call: asAmount(record["call"]) };
  switch (kind) {
    case "result":
      return {
        kind,
        ...about,
        outcome: parseOutcome(record["outcome"]),
        cpuMs: asAmount(record["cpuMs"]),
        memoryMiB: asAmount(record["memoryMiB"]),
        spares: asSpares(record["spares"]),
        notes: asArray(record["notes"]).map(parseNote),
      };
    case "ask": {
      const { name, args = null } = record;
      if (!isHostFunction(name)) throw new RangeError(`Cannot read host call "${String(name)}"`);
      return { kind, ...about, seq: asAmount(record["seq"]), name, args: args as JsonValue };
    }
    case "note":
      return { kind, ...about, note: parseNote(record["note"]) };
    case "halted":
      return { kind, ...about, outcome: parseOutcome(record["outcome"]) };
    case "log":
      return { kind, ...about, seq: asAmount(record["seq"]) };
    default:
      throw new RangeError(`Cannot read a frame of kind "${String(kind)}"`);
  }
}

function parseOutcome(value: unknown): HostOutcome {
  const { kind, code, message, used } = asRecord(value);
  if (kind === "ok") return { kind };
  const known = HOST_ERROR_CODES.find((each) => each === code);
  if (kind !== "error" || known === undefined) {
    throw new RangeError(
      `Cannot read an outcome of kind "${String(kind)}", code "${String(code)}"`,
    );
  }
  return {
    kind: "error",
    code: known,
    message: asText(message).slice(0, MAX_MESSAGE_CHARS),
    ...(used === undefined ? {} : { used: asAmount(used) }),
  };
}

function parseNote(value: unknown): HostNote {
  const { seq, name, value: answer } = asRecord(value);
  const known = LOCAL_FUNCTIONS.find((each) => each === name);
  if (known === undefined) throw new RangeError(`Cannot read a note of "${String(name)}"`);
  return {
    seq: asAmount(seq),
    name: known,
    value: typeof answer === "number" ? answer : asText(answer).slice(0, MAX_MESSAGE_CHARS),
  };
}

function isHostFunction(name: unknown): name is HostFunction {
  return typeof name === "string" && Object.hasOwn(GRANT_OF, name);
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new RangeError("Cannot read a frame: expected an object");
}

function asArray(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new RangeError("Cannot read a frame: expected an array");
}

function asAmount(value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw new RangeError("Cannot read a frame: expected a number of 0 or more");
}

/** One more is prepared as long as there are more each time: that must come to an end. */
function asSpares(value: unknown): number {
  const spares = asAmount(value);
  if (Number.isInteger(spares) && spares <= MOST_SPARES) return spares;
  throw new RangeError(`Cannot read a frame of ${spares} spares: expected at most ${MOST_SPARES}`);
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  throw new RangeError("Cannot read a frame: expected a string");
}

/** A unit as the body of a `load` frame: `u32 bytes of the head | head, JSON | code`. */
export function packUnit({ engine, tools, code }: Unit): Buffer {
  const head = Buffer.from(JSON.stringify({ engine, tools }));
  const field = Buffer.allocUnsafe(FIELD_BYTES);
  field.writeUInt32LE(head.length, 0);
  return Buffer.concat([field, head, code]);
}

/** The reverse of `packUnit`. */
export function unpackUnit(body: Buffer): Unit {
  const { head, body: code } = parseFrame(body, MAX_FRAME_BYTES);
  const { engine, tools } = head as Pick<Unit, "engine" | "tools">;
  return { engine, tools, code };
}

const MAX_DEPTH = 64;

/**
 * Why `value` may not pass a border, or undefined: nested too deep, or with a key that becomes a
 * prototype when a careless program copies it.
 */
export function findJsonFault(value: JsonValue, depth = 0): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (depth >= MAX_DEPTH) return `it is nested deeper than ${MAX_DEPTH} levels`;
  if (Object.hasOwn(value, "__proto__")) return 'it has the key "__proto__"';
  for (const item of Object.values(value)) {
    const fault = findJsonFault(item, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
