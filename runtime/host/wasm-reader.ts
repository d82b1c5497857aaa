import { isUtf8 } from "node:buffer";
import type { HostErrorCode } from "../protocol.ts";
import { GuestStop } from "./guest-stop.ts";

const MAX_NAME_BYTES = 1_024;
const MAX_LEB_BYTES = 5;
const MAX_SHOWN_CHARS = 80;

/** Reads a module's bytes in order; `at` counts from the beginning of the module. */
export class WasmReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw refusal(this.at, "the module ends too early: expected a byte");
    this.at += 1;
    return byte;
  }

  /** An unsigned LEB128 number of 32 bits. */
  number(): number {
    const from = this.at;
    let value = 0;
    for (let index = 0; index < MAX_LEB_BYTES; index += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80 && value <= 0xffff_ffff) return value;
    }
    throw refusal(from, "expected a number of 32 bits");
  }

  /** How many `things` follow. Each takes a byte or more, so that no count outgrows the module. */
  count(things: string, max: number): number {
    const from = this.at;
    const count = this.number();
    if (count > max) throw refusal(from, `${count} ${things}: expected at most ${max}`);
    if (count > this.end - this.at) {
      throw refusal(from, `${count} ${things}: expected no more than fit into their section`);
    }
    return count;
  }

  name(): string {
    const bytes = this.count("bytes in a name", MAX_NAME_BYTES);
    const from = this.at;
    this.skip(bytes);
    const name = this.bytes.subarray(from, this.at);
    if (!isUtf8(name)) throw refusal(from, "expected a name in UTF-8");
    return Buffer.from(name.buffer, name.byteOffset, name.length).toString();
  }

  /** A reader of the next `bytes` bytes, which are skipped here. */
  part(bytes: number, what: string): WasmReader {
    const from = this.at;
    if (bytes > this.end - from) {
      throw refusal(from, `${what} of ${bytes} bytes: expected it to end in its place`);
    }
    this.at += bytes;
    return new WasmReader(this.bytes, from, this.at);
  }

  skip(bytes: number): void {
    if (bytes > this.end - this.at) {
      throw refusal(this.at, `expected ${bytes} more bytes, there are ${this.end - this.at}`);
    }
    this.at += bytes;
  }

  /** Throws unless everything was read. */
  finish(what: string): void {
    if (this.at !== this.end) throw refusal(this.at, `expected the end of ${what}`);
  }
}

/** Why a module is not run: what stands at byte `at`, and what was expected. */
export function refusal(
  at: number,
  what: string,
  { code = "failed", used }: { readonly code?: HostErrorCode; readonly used?: number } = {},
): GuestStop {
  return new GuestStop(code, `The skill's code does not load: at byte ${at}, ${what}`, used);
}

/** A name of the module as messages show it. */
export function quote(name: string): string {
  return JSON.stringify(name.slice(0, MAX_SHOWN_CHARS));
}
