import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";
import type { HostPort } from "./host-port.ts";

const MIB = 1_048_576;
const NULL = 0n;
const BLOCK_SHIFT = 32n;
const OFFSET_MASK = 0xffff_ffffn;
/** What the bookkeeping of a block costs, so that many tiny ones count as well. */
const BLOCK_COST_BYTES = 256;

/**
 * The Extism ABI for one call: blocks of memory that the plugin shares with its host. An address
 * is the number of a block and an offset in it, so that no access reaches another block. Every
 * byte counts against the call's memory; nothing outlives the call.
 */
export class WasmKernel {
  output: Uint8Array = new Uint8Array();
  error: string | undefined;
  readonly #hostCalls: HostPort;
  readonly #maxBytes: number;
  readonly #blocks = new Map<number, DataView>();
  readonly #vars = new Map<string, Uint8Array>();
  readonly #inputAddress: bigint;
  readonly #input: DataView;
  #lastBlock = 0;
  #bytes = 0;

  constructor(input: string, maxMemoryMiB: number, hostCalls: HostPort) {
    this.#hostCalls = hostCalls;
    this.#maxBytes = maxMemoryMiB * MIB;
    this.#inputAddress = this.#store(Buffer.from(input));
    this.#input = this.#blocks.get(this.#lastBlock) ?? new DataView(new ArrayBuffer(0));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The functions a plugin may import, by module and name. */
  imports(): WebAssembly.Imports {
    const hostCalls = this.#hostCalls;
    const log = (address: bigint) => hostCalls.log(this.#text(address));
    return {
      "extism:host/env": {
        alloc: (length: bigint) => this.#alloc(BigInt.asUintN(64, length)),
        free: (address: bigint) => this.#free(address),
        length: (address: bigint) => this.#length(address),
        length_unsafe: (address: bigint) => this.#length(address),
        load_u8: (address: bigint) => this.#block(address).getUint8(offsetOf(address)),
        load_u64: (address: bigint) => this.#block(address).getBigUint64(offsetOf(address), true),
        store_u8: (address: bigint, value: number) =>
          this.#block(address).setUint8(offsetOf(address), value),
        store_u64: (address: bigint, value: bigint) =>
          this.#block(address).setBigUint64(offsetOf(address), value, true),
        input_offset: () => this.#inputAddress,
        input_length: () => BigInt(this.#input.byteLength),
        input_load_u8: (offset: bigint) => this.#input.getUint8(Number(offset)),
        input_load_u64: (offset: bigint) => this.#input.getBigUint64(Number(offset), true),
        output_set: (address: bigint, length: bigint) => {
          this.output = this.#bytesAt(address, length);
        },
        error_set: (address: bigint) => {
          this.error = address === NULL ? undefined : this.#text(address);
        },
        config_get: () => NULL,
        var_get: (name: bigint) => this.#getVar(this.#text(name)),
        var_set: (name: bigint, value: bigint) => this.#setVar(this.#text(name), value),
        http_request: () => hostCalls.ask("http", null),
        http_status_code: () => 0,
        http_headers: () => NULL,
        log_trace: log,
        log_debug: log,
        log_info: log,
        log_warn: log,
        log_error: log,
        get_log_level: () => 0,
      },
      "extism:host/user": {
        now: () => BigInt(hostCalls.now()),
        random: () => hostCalls.random(),
      },
    };
  }

  #alloc(length: bigint): bigint {
    if (length === NULL) return NULL;
    this.#charge(Number(length));
    this.#lastBlock += 1;
    this.#blocks.set(this.#lastBlock, new DataView(new ArrayBuffer(Number(length))));
    return BigInt(this.#lastBlock) << BLOCK_SHIFT;
  }

  #charge(bytes: number): void {
    const used = this.#bytes + bytes + BLOCK_COST_BYTES;
    if (used > this.#maxBytes) {
      const stop = new GuestStop("memory", TOO_MUCH_MEMORY, Math.ceil(used / MIB));
      throw this.#hostCalls.halt(stop);
    }
    this.#bytes = used;
  }

  #refund(bytes: number | undefined): void {
    if (bytes !== undefined) this.#bytes -= bytes + BLOCK_COST_BYTES;
  }

  #store(bytes: Uint8Array): bigint {
    const address = this.#alloc(BigInt(bytes.length));
    if (address !== NULL) new Uint8Array(this.#block(address).buffer).set(bytes);
    return address;
  }

  #free(address: bigint): void {
    const index = indexOf(address);
    this.#refund(this.#blocks.get(index)?.byteLength);
    this.#blocks.delete(index);
  }

  #length(address: bigint): bigint {
    return BigInt(this.#blocks.get(indexOf(address))?.byteLength ?? 0);
  }

  #block(address: bigint): DataView {
    const block = this.#blocks.get(indexOf(address));
    if (block === undefined) throw new RangeError("The plugin used an address that is not its own");
    return block;
  }

  #bytesAt(address: bigint, length: bigint): Uint8Array {
    if (length === 0n) return new Uint8Array();
    const block = this.#block(address);
    return new Uint8Array(block.buffer, offsetOf(address), Number(BigInt.asUintN(64, length)));
  }

  #text(address: bigint): string {
    return Buffer.from(this.#bytesAt(address, this.#length(address))).toString();
  }

  #getVar(name: string): bigint {
    const value = this.#vars.get(name);
    return value === undefined ? NULL : this.#store(value);
  }

  #setVar(name: string, address: bigint): void {
    const replaced = this.#vars.get(name);
    if (replaced !== undefined) this.#refund(sizeOfVar(name, replaced));
    this.#vars.delete(name);
    if (address === NULL) return;
    const value = this.#bytesAt(address, this.#length(address)).slice();
    this.#charge(sizeOfVar(name, value));
    this.#vars.set(name, value);
  }
}

/** A name may be as long as a value; a string takes up to two bytes a character. */
function sizeOfVar(name: string, value: Uint8Array): number {
  return 2 * name.length + value.length;
}

function indexOf(address: bigint): number {
  return Number(BigInt.asUintN(64, address) >> BLOCK_SHIFT);
}

function offsetOf(address: bigint): number {
  return Number(address & OFFSET_MASK);
}
