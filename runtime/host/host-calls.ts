import { createHash } from "node:crypto";
import type { HostCallFrame, HostFunction, ServedHostCall } from "../protocol.ts";
import { GRANT_OF } from "../protocol.ts";
import { GuestStop } from "./guest-stop.ts";
import type { HostPort } from "./host-port.ts";

/** What one call of a guest may ask of its host: counted, capped and noted for the record. */
export class HostCalls implements HostPort {
  readonly served: ServedHostCall[] = [];
  readonly logs: string[] = [];
  readonly #frame: HostCallFrame;
  readonly #startedMs = performance.now();
  #logBytes = 0;
  #draws = 0;
  #stop: GuestStop | undefined;

  constructor(frame: HostCallFrame) {
    this.#frame = frame;
  }

  /** What ended the call, even where the guest caught it. */
  get stop(): GuestStop | undefined {
    return this.#stop;
  }

  /** The first call that no policy grants. */
  get denial(): GuestStop | undefined {
    const denied = this.served.find(({ isAllowed }) => !isAllowed);
    return denied && new GuestStop("denied", denialOf(denied.name));
  }

  log(text: string): void {
    this.#serve("log", () => {
      this.#logBytes += Buffer.byteLength(text);
      if (this.#logBytes > this.#frame.limits.logKiB * 1024) {
        const usedKiB = Math.ceil(this.#logBytes / 1024);
        throw this.halt(new GuestStop("log-size", "The skill logged too much", usedKiB));
      }
      this.logs.push(text);
    });
  }

  /** Milliseconds since the Unix epoch. */
  now(): number {
    return this.#serve("now", () =>
      Math.floor(this.#frame.startMs + performance.now() - this.#startedMs),
    );
  }

  /** 64 random bits that follow from the call's seed. */
  random(): bigint {
    return this.#serve("random", () => {
      this.#draws += 1;
      const block = createHash("sha256").update(`${this.#frame.seed}:${this.#draws}`).digest();
      return block.readBigUInt64LE(0);
    });
  }

  /** Declared so that guests link; a later version serves it. */
  ask(name: HostFunction): never {
    return this.#serve(name, () => {
      throw new Error(`No host serves "${name}"`);
    });
  }

  /** Ends the call whatever the guest does next; gives `stop` back to be thrown. */
  halt(stop: GuestStop): GuestStop {
    this.#stop ??= stop;
    return stop;
  }

  #serve<T>(name: HostFunction, answer: () => T): T {
    const startedMs = performance.now();
    if (this.served.length >= this.#frame.limits.hostCalls) {
      const used = this.served.length + 1;
      throw this.halt(new GuestStop("host-calls", "The skill made too many host calls", used));
    }
    const isAllowed = this.#frame.grants[GRANT_OF[name]];
    const call = { name, isAllowed, ms: 0 };
    // First of all, so that no call goes unnoted whatever it ends with.
    this.served.push(call);
    if (!isAllowed) throw new GuestStop("denied", denialOf(name));
    const result = answer();
    call.ms = performance.now() - startedMs;
    return result;
  }
}

function denialOf(name: HostFunction): string {
  return `The skill may not call "${name}": "${GRANT_OF[name]}" is not granted`;
}
