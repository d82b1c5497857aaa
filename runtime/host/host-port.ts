import type { HostFunction, JsonValue } from "../protocol.ts";
import type { GuestStop } from "./guest-stop.ts";

/**
 * What a guest of one call may ask of its host. Each method counts and may throw `GuestStop` at a
 * limit, or where the call's policy grants nothing of the kind.
 */
export interface HostPort {
  log(text: string): void;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** 64 random bits that follow from the call's seed. */
  random(): bigint;
  /** Waits for the broker outside the sandbox. Throws an `Error` in its words when it refuses. */
  ask(name: HostFunction, args: JsonValue, body?: Uint8Array): HostAnswer;
  /** Ends the call whatever the guest does next; gives `stop` back to be thrown. */
  halt(stop: GuestStop): GuestStop;
}

export interface HostAnswer {
  readonly value: JsonValue;
  readonly body: Uint8Array;
}
