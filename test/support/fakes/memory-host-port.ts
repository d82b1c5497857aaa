import type { GuestStop } from "../../../runtime/host/guest-stop.ts";
import type { HostAnswer, HostPort } from "../../../runtime/host/host-port.ts";
import type { Grant, HostFunction, JsonValue } from "../../../runtime/protocol.ts";

export interface Asked {
  readonly name: HostFunction;
  readonly args: JsonValue;
  readonly body: string;
}

type Answers = Readonly<Partial<Record<HostFunction, (args: JsonValue) => HostAnswer>>>;

export const NOTHING_GRANTED: Readonly<Record<Grant, boolean>> = {
  log: true,
  clock: false,
  random: false,
  config: false,
  http: false,
  kv: false,
  schedule: false,
};

/** A host that answers in the process what the broker would, and remembers what it was asked. */
export class MemoryHostPort implements HostPort {
  readonly logs: string[] = [];
  readonly asked: Asked[] = [];
  readonly stops: GuestStop[] = [];
  readonly #answers: Answers;
  #draws = 0n;

  constructor(answers: Answers = {}) {
    this.#answers = answers;
  }

  log(text: string): void {
    this.logs.push(text);
  }

  now(): number {
    return 1_234;
  }

  random(): bigint {
    this.#draws += 1n;
    return this.#draws;
  }

  ask(name: HostFunction, args: JsonValue, body: Uint8Array = new Uint8Array()): HostAnswer {
    this.asked.push({ name, args, body: Buffer.from(body).toString() });
    const toAnswer = this.#answers[name];
    if (toAnswer === undefined) throw new Error(`"${name}" is not granted`);
    return toAnswer(args);
  }

  halt(stop: GuestStop): GuestStop {
    this.stops.push(stop);
    return stop;
  }
}

/** What a host answers with: a value, and bytes where there are some. */
export function answer(value: JsonValue, body = ""): HostAnswer {
  return { value, body: Buffer.from(body) };
}
