import type { GuestStop } from "../../../runtime/host/guest-stop.ts";
import type { HostAnswer, HostPort } from "../../../runtime/host/host-port.ts";
import type { HostFunction, JsonValue } from "../../../runtime/protocol.ts";

export interface Asked {
  readonly name: HostFunction;
  readonly args: JsonValue;
  readonly body: string;
}

/** A host that answers in the process what the broker would, and remembers what it was asked. */
export class MemoryHostPort implements HostPort {
  readonly logs: string[] = [];
  readonly asked: Asked[] = [];
  readonly stops: GuestStop[] = [];
  readonly #answers: Readonly<Partial<Record<HostFunction, HostAnswer>>>;
  #draws = 0n;

  constructor(answers: Readonly<Partial<Record<HostFunction, HostAnswer>>> = {}) {
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
    const answer = this.#answers[name];
    if (answer === undefined) throw new Error(`"${name}" is not granted`);
    return answer;
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
