import { GuestStop, TOO_MUCH_MEMORY } from "./guest-stop.ts";
import type { HostPort } from "./host-port.ts";

export const NULL = 0n;
const MIB = 1_048_576;
const OFFSETS = 2 ** 32;
/** What a block costs the process beside its bytes, as measured: many tiny ones count as well. */
const BLOCK_COST_BYTES = 512;

/**
 * The memory that a plugin shares with its host during one call. An address is the number of a
 * block and an offset in it, so that no access reaches another block. Every byte is charged to the
 * call; past its limit the call is halted.
 */
export class WasmBlocks {
  readonly #host: HostPort;
  readonly #maxBytes: number;
  /** By number; that of a freed block is given again, the first is NULL's. */
  readonly #blocks: (DataView | undefined)[] = [undefined];
  readonly #freed: number[] = [];
  #bytes = 0;

  constructor(host: HostPort, maxMemoryMiB: number) {
    this.#host = host;
    this.#maxBytes = maxMemoryMiB * MIB;
  }

  /** What the call holds here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The address of `length` zeros; NULL for none. */
  alloc(length: bigint): bigint {
    if (length === NULL) return NULL;
    const bytes = Number(BigInt.asUintN(64, length));
    this.charge(bytes);
    return this.#add(new DataView(new ArrayBuffer(bytes)));
  }

  /** The address of a block that is `bytes` from now on, be they none. */
  adopt(bytes: Uint8Array): bigint {
    this.charge(bytes.length);
    return this.#add(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  }

  free(address: bigint): void {
    const { index } = split(address);
    const block = this.#blocks[index];
    if (block === undefined) return;
    this.refund(block.byteLength);
    this.#blocks[index] = undefined;
    this.#freed.push(index);
  }

  length(address: bigint): bigint {
    return BigInt(this.#blocks[split(address).index]?.byteLength ?? 0);
  }

  loadU8(address: bigint): number {
    const { index, offset } = split(address);
    return this.#get(index).getUint8(offset);
  }

  loadU64(address: bigint): bigint {
    const { index, offset } = split(address);
    return this.#get(index).getBigInt64(offset, true);
  }

  storeU8(address: bigint, value: number): void {
    const { index, offset } = split(address);
    this.#get(index).setUint8(offset, value);
  }

  storeU64(address: bigint, value: bigint): void {
    const { index, offset } = split(address);
    this.#get(index).setBigInt64(offset, value, true);
  }

  /** The bytes of the block at `address`, shared with the plugin; none for NULL. */
  at(address: bigint): Uint8Array {
    return this.slice(address, this.length(address));
  }

  slice(address: bigint, length: bigint): Uint8Array {
    if (length === 0n) return new Uint8Array();
    const { index, offset } = split(address);
    const block = this.#get(index);
    if (length < 0n || offset + Number(length) > block.byteLength) throw notItsOwn();
    return new Uint8Array(block.buffer, block.byteOffset + offset, Number(length));
  }

  charge(bytes: number): void {
    const used = this.#bytes + bytes + BLOCK_COST_BYTES;
    if (used > this.#maxBytes) {
      const stop = new GuestStop("memory", TOO_MUCH_MEMORY, Math.ceil(used / MIB));
      throw this.#host.halt(stop);
    }
    this.#bytes = used;
  }

  refund(bytes: number): void {
    this.#bytes -= bytes + BLOCK_COST_BYTES;
  }

  #add(block: DataView): bigint {
    const index = this.#freed.pop() ?? this.#blocks.length;
    this.#blocks[index] = block;
    return BigInt(index * OFFSETS);
  }

  #get(index: number): DataView {
    const block = this.#blocks[index];
    if (block === undefined) throw notItsOwn();
    return block;
  }
}

function split(address: bigint): { readonly index: number; readonly offset: number } {
  const number = Number(address);
  const offset = number >>> 0;
  return { index: (number - offset) / OFFSETS, offset };
}

function notItsOwn(): RangeError {
  return new RangeError("The plugin used an address that is not its own");
}
