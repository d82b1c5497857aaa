import type {
  AnswerFrame,
  HostCallFrame,
  HostErrorCode,
  HostFunction,
  HostNote,
  JsonValue,
  ToHost,
} from "../protocol.ts";
import { GRANT_OF, MAX_ARGS_CHARS, maxBodyBytes } from "../protocol.ts";
import { GuestStop, toOutcome } from "./guest-stop.ts";
import type { HostAnswer, HostPort } from "./host-port.ts";
import { createSha256 } from "./load-late.ts";
import type { SupervisorPipe } from "./supervisor-pipe.ts";
import type { Watched } from "./watchdog.ts";

const SECOND_MS = 1_000;

export interface HostCallsDeps {
  readonly frame: HostCallFrame;
  readonly pipe: SupervisorPipe;
  readonly watched: Watched;
}

/** An ask that was answered. */
export interface SettledAsk {
  readonly seq: number;
  readonly answer: HostAnswer | Error;
}

/**
 * What one call of a guest may ask of its host: counted, capped and told to the supervisor. Clock
 * and dice are answered here, from what the call was started with; all else by the broker.
 */
export class HostCalls implements HostPort {
  /** What was answered here. */
  readonly notes: HostNote[] = [];
  readonly #frame: HostCallFrame;
  readonly #pipe: SupervisorPipe;
  readonly #watched: Watched;
  readonly #startedMs = performance.now();
  readonly #beganMs: number[] = [];
  readonly #waiting = new Set<number>();
  #logBytes = 0;
  #draws = 0;
  #stop: GuestStop | undefined;
  #denial: GuestStop | undefined;

  constructor({ frame, pipe, watched }: HostCallsDeps) {
    this.#frame = frame;
    this.#pipe = pipe;
    this.#watched = watched;
  }

  /** What ended the call, even where the guest caught it. */
  get stop(): GuestStop | undefined {
    return this.#stop;
  }

  /** The first call that was denied. */
  get denial(): GuestStop | undefined {
    return this.#denial;
  }

  /** Whether asks are unanswered. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  log(text: string): void {
    const seq = this.#begin("log");
    this.#logBytes += Buffer.byteLength(text);
    if (this.#logBytes > this.#frame.limits.logKiB * 1024) {
      const usedKiB = Math.ceil(this.#logBytes / 1024);
      throw this.halt(new GuestStop("log-size", "The skill logged too much", usedKiB));
    }
    const { epoch, call } = this.#frame;
    // Told where it is denied too: the denial is for the record.
    this.#pipe.send({ kind: "log", epoch, call, seq }, Buffer.from(text));
    this.#assertGranted("log");
  }

  now(): number {
    const seq = this.#begin("now");
    const value = Math.floor(this.#frame.startMs + performance.now() - this.#startedMs);
    this.#note({ seq, name: "now", value });
    this.#assertGranted("now");
    return value;
  }

  /** Follows from the call's seed. */
  random(): bigint {
    const seq = this.#begin("random");
    this.#draws += 1;
    const block = createSha256().update(`${this.#frame.seed}:${this.#draws}`).digest();
    const value = block.readBigUInt64LE(0);
    this.#note({ seq, name: "random", value: String(value) });
    this.#assertGranted("random");
    return value;
  }

  ask(name: HostFunction, args: JsonValue, body?: Uint8Array): HostAnswer {
    const seq = this.send(name, args, body);
    const { answer } = this.settle((each) => each === seq);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /** Asks the broker without waiting; what comes of it is given by `settle`. */
  send(name: HostFunction, args: JsonValue, body?: Uint8Array): number {
    checkSize(name, args, body);
    const seq = this.#begin(name);
    const { epoch, call, limits } = this.#frame;
    if (this.#waiting.size >= limits.hostCallsAtOnce) {
      throw this.#overrun("host-call-concurrency", this.#waiting.size + 1);
    }
    this.#waiting.add(seq);
    this.#pipe.send({ kind: "ask", epoch, call, seq, name, args }, body);
    return seq;
  }

  /** Waits until an ask is answered that `isWanted`, by default any. */
  settle(isWanted: (seq: number) => boolean = () => true): SettledAsk {
    const order = this.#pipe.await(
      (frame) => this.#isAnswer(frame) && this.#waiting.has(frame.seq) && isWanted(frame.seq),
    );
    // The supervisor is gone: so is whoever would hear of this call.
    if (order === undefined) throw new Error("Cannot ask: the supervisor is gone");
    const { seq, outcome } = order.frame as AnswerFrame;
    this.#waiting.delete(seq);
    if (outcome.kind === "ok") return { seq, answer: { value: outcome.value, body: order.body } };
    if (outcome.isDenied) this.#denial ??= new GuestStop("denied", outcome.message);
    return { seq, answer: new Error(outcome.message) };
  }

  halt(stop: GuestStop): GuestStop {
    if (this.#stop !== undefined) return stop;
    this.#stop = stop;
    // A guest may catch what is thrown and go on: the supervisor does not wait for that.
    const { epoch, call } = this.#frame;
    this.#pipe.send({ kind: "halted", epoch, call, outcome: toOutcome(stop) });
    return stop;
  }

  #note(note: HostNote): void {
    const { epoch, call } = this.#frame;
    if (this.#watched.isUp()) this.notes.push(note);
    else this.#pipe.send({ kind: "note", epoch, call, note });
  }

  #isAnswer(frame: ToHost): frame is { readonly kind: "answer" } & AnswerFrame {
    return frame.kind === "answer" && frame.call === this.#frame.call;
  }

  /** Counts a call and gives its number. Throws `GuestStop` at a limit. */
  #begin(name: HostFunction): number {
    if (this.#stop !== undefined) throw this.#stop;
    const { hostCalls, hostCallsPerSecond } = this.#frame.limits;
    const seq = this.#beganMs.length + 1;
    if (seq > hostCalls) throw this.#overrun("host-calls", seq);
    const nowMs = performance.now();
    const secondAgoMs = this.#beganMs[seq - 1 - hostCallsPerSecond];
    if (secondAgoMs !== undefined && nowMs - secondAgoMs < SECOND_MS) {
      throw this.#overrun("host-call-rate", hostCallsPerSecond + 1);
    }
    this.#beganMs.push(nowMs);
    this.#watched.noteHostCall(seq, name);
    return seq;
  }

  #assertGranted(name: HostFunction): void {
    if (this.#frame.grants[GRANT_OF[name]]) return;
    const message = `The skill may not call "${name}": "${GRANT_OF[name]}" is not granted`;
    this.#denial ??= new GuestStop("denied", message);
    throw this.#denial;
  }

  #overrun(code: keyof typeof OVERRUN, used: number): GuestStop {
    return this.halt(new GuestStop(code, OVERRUN[code], used));
  }
}

/** Throws an `Error` for the guest where the broker would not even read the ask. */
function checkSize(name: HostFunction, args: JsonValue, body: Uint8Array | undefined): void {
  const chars = JSON.stringify(args)?.length ?? 0;
  if (chars > MAX_ARGS_CHARS) {
    const expected = `expected at most ${MAX_ARGS_CHARS}`;
    throw new RangeError(`Cannot send ${chars} characters of arguments: ${expected}`);
  }
  const bytes = body?.length ?? 0;
  if (bytes <= maxBodyBytes(name)) return;
  throw new RangeError(`Cannot send ${bytes} bytes: expected at most ${maxBodyBytes(name)}`);
}

const OVERRUN = {
  "host-calls": "The skill made too many host calls",
  "host-call-rate": "The skill made too many host calls in a second",
  "host-call-concurrency": "The skill made too many host calls at a time",
} as const satisfies Partial<Record<HostErrorCode, string>>;
