import type { Grant } from "../protocol.ts";
import type { HostPort } from "./host-port.ts";
import { createSha256 } from "./load-late.ts";

/** Results as WASI preview 1 numbers them. */
const OK = 0;
const EBADF = 8;
const EFAULT = 21;
const EINVAL = 28;
export const ENOSYS = 52;
const ESPIPE = 70;

const STDOUT = 1;
const STDERR = 2;
const CHARACTER_DEVICE = 2;
const FDSTAT_BYTES = 24;
const IOVEC_BYTES = 8;
const MAX_IOVECS = 1_024;
const MAX_RANDOM_BYTES = 65_536;
/** More than any call may log: what is cut off was over the limit before. */
const MAX_LOG_BYTES = 2 * 1_048_576;
const REALTIME = 0;
const MONOTONIC = 1;
const NS_PER_MS = 1_000_000n;
const DRAW_BYTES = 8;
const SEED_BYTES = 32;

/** Thrown by `proc_exit(0)`: the call has ended well. */
export class WasiExit extends Error {}

/**
 * What is left of WASI preview 1 for plugins that were built for it: output goes to the log, clock
 * and dice are the granted ones, there are no files, arguments or variables, and nothing waits.
 * It reads and writes the plugin's exported memory only, within its bounds.
 */
export class WasmWasi {
  readonly #host: HostPort;
  readonly #grants: Readonly<Record<Grant, boolean>>;
  readonly #memory: () => WebAssembly.Memory | undefined;

  constructor(
    host: HostPort,
    grants: Readonly<Record<Grant, boolean>>,
    memory: () => WebAssembly.Memory | undefined,
  ) {
    this.#host = host;
    this.#grants = grants;
    this.#memory = memory;
  }

  /** Two numbers: how many there are and how many bytes they take, none and none. */
  noStrings(countAt: number, bytesAt: number): number {
    return this.#write(countAt, 4, (view, at) => {
      view.setUint32(at, 0, true);
      return this.#write(bytesAt, 4, (bytes, into) => {
        bytes.setUint32(into, 0, true);
        return OK;
      });
    });
  }

  clockResolution(clock: number, at: number): number {
    if (!this.#grants.clock) return ENOSYS;
    return this.#writeNs(clock, at, () => NS_PER_MS);
  }

  clockTime(clock: number, at: number): number {
    if (!this.#grants.clock) return ENOSYS;
    return this.#writeNs(clock, at, () => BigInt(this.#host.now()) * NS_PER_MS);
  }

  /** Up to 32 bytes are drawn from the host; more follow from these. */
  random(at: number, length: number): number {
    if (!this.#grants.random) return ENOSYS;
    const bytes = length >>> 0;
    if (bytes > MAX_RANDOM_BYTES) return EINVAL;
    return this.#write(at, bytes, (view, from) => {
      new Uint8Array(view.buffer, from, bytes).set(this.#draw(bytes));
      return OK;
    });
  }

  /** To the log, one entry for each call, without the line's end. */
  write(fd: number, iovecs: number, count: number, writtenAt: number): number {
    if (fd !== STDOUT && fd !== STDERR) return EBADF;
    if (count >>> 0 > MAX_IOVECS) return EINVAL;
    const chunks: Uint8Array[] = [];
    let written = 0;
    for (let index = 0; index < count; index += 1) {
      const chunk = this.#iovec((iovecs >>> 0) + index * IOVEC_BYTES);
      if (chunk === undefined) return EFAULT;
      written += chunk.length;
      chunks.push(chunk);
      if (written > MAX_LOG_BYTES) break;
    }
    return this.#write(writtenAt, 4, (view, at) => {
      view.setUint32(at, written, true);
      const text = Buffer.concat(chunks, Math.min(written, MAX_LOG_BYTES)).toString();
      if (text !== "") this.#host.log(text.endsWith("\n") ? text.slice(0, -1) : text);
      return OK;
    });
  }

  /** Input and outputs are terminals that can do nothing else. */
  describe(fd: number, at: number): number {
    if (!isStandard(fd)) return EBADF;
    return this.#write(at, FDSTAT_BYTES, (view, from) => {
      new Uint8Array(view.buffer, from, FDSTAT_BYTES).fill(0);
      view.setUint8(from, CHARACTER_DEVICE);
      return OK;
    });
  }

  seek(fd: number): number {
    return isStandard(fd) ? ESPIPE : EBADF;
  }

  close(fd: number): number {
    return isStandard(fd) ? OK : EBADF;
  }

  exit(code: number): never {
    if (code === 0) throw new WasiExit();
    throw new Error(`The plugin exited with ${code}`);
  }

  #draw(bytes: number): Uint8Array {
    const seed = Buffer.alloc(Math.ceil(Math.min(bytes, SEED_BYTES) / DRAW_BYTES) * DRAW_BYTES);
    for (let at = 0; at < seed.length; at += DRAW_BYTES) {
      seed.writeBigUInt64LE(this.#host.random(), at);
    }
    if (bytes <= SEED_BYTES) return seed.subarray(0, bytes);
    const drawn: Uint8Array[] = [];
    for (let block = 0; block * SEED_BYTES < bytes; block += 1) {
      drawn.push(createSha256().update(seed).update(`${block}`).digest());
    }
    return Buffer.concat(drawn, bytes);
  }

  #writeNs(clock: number, at: number, toNs: () => bigint): number {
    if (clock !== REALTIME && clock !== MONOTONIC) return EINVAL;
    return this.#write(at, 8, (view, from) => {
      view.setBigUint64(from, toNs(), true);
      return OK;
    });
  }

  #iovec(at: number): Uint8Array | undefined {
    const view = this.#view(at, IOVEC_BYTES);
    if (view === undefined) return undefined;
    const [from, bytes] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    return this.#view(from, bytes) && new Uint8Array(view.buffer, from, bytes);
  }

  /** Calls `write` where `bytes` bytes at `at` are the plugin's own. */
  #write(at: number, bytes: number, write: (view: DataView, at: number) => number): number {
    const from = at >>> 0;
    const view = this.#view(from, bytes);
    return view === undefined ? EFAULT : write(view, from);
  }

  #view(from: number, bytes: number): DataView | undefined {
    const buffer = this.#memory()?.buffer;
    if (buffer === undefined || from + bytes > buffer.byteLength) return undefined;
    return new DataView(buffer);
  }
}

export function badFile(): number {
  return EBADF;
}

function isStandard(fd: number): boolean {
  return fd >= 0 && fd <= STDERR;
}
