import type { JsonValue } from "../protocol.ts";
import type { HostAnswer, HostPort } from "./host-port.ts";
import { NULL, WasmBlocks } from "./wasm-blocks.ts";
import { toHttpAsk } from "./wasm-http.ts";

/** Of a name, a key or a request as a plugin writes it. */
const MAX_TEXT_BYTES = 1_048_576;
/** More than any call may log: what is cut off was over the limit before. */
const MAX_LOG_BYTES = 2 * 1_048_576;
const MAX_BODY_BYTES = 16 * 1_048_576;

/**
 * The functions of the Extism ABI, and this host's own, for one call. Every byte counts against
 * the call's memory; nothing outlives the call. What the broker refuses, and a request that
 * fails, ends the call with the broker's words, as in Extism's own runtime: a function of the ABI
 * has no way to give an error back.
 */
export class WasmKernel {
  output: Uint8Array = new Uint8Array();
  error: string | undefined;
  readonly blocks: WasmBlocks;
  readonly #host: HostPort;
  readonly #vars = new Map<string, Uint8Array>();
  readonly #input: DataView;
  readonly #inputAddress: bigint;
  #response: HttpResponse | undefined;

  constructor(host: HostPort, input: string, maxMemoryMiB: number) {
    this.#host = host;
    this.blocks = new WasmBlocks(host, maxMemoryMiB);
    const bytes = Buffer.from(input);
    this.#input = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#inputAddress = this.blocks.adopt(bytes);
  }

  inputAddress(): bigint {
    return this.#inputAddress;
  }

  inputLength(): bigint {
    return BigInt(this.#input.byteLength);
  }

  inputLoadU8(offset: bigint): number {
    return this.#input.getUint8(Number(offset));
  }

  inputLoadU64(offset: bigint): bigint {
    return this.#input.getBigInt64(Number(offset), true);
  }

  setOutput(address: bigint, length: bigint): void {
    this.output = this.blocks.slice(address, length);
  }

  setError(address: bigint): void {
    this.error = address === NULL ? undefined : this.#text(address, MAX_TEXT_BYTES);
  }

  log(address: bigint): void {
    const bytes = this.blocks.at(address).subarray(0, MAX_LOG_BYTES);
    this.#host.log(decode(bytes));
  }

  now(): bigint {
    return BigInt(this.#host.now());
  }

  random(): bigint {
    return this.#host.random();
  }

  getConfig(name: bigint): bigint {
    const { value } = asRecord(this.#ask("config", { name: this.#name(name) }).value);
    return typeof value === "string" ? this.blocks.adopt(Buffer.from(value)) : NULL;
  }

  getVar(name: bigint): bigint {
    const value = this.#vars.get(this.#name(name));
    return value === undefined ? NULL : this.blocks.adopt(value.slice());
  }

  setVar(nameAddress: bigint, address: bigint): void {
    const name = this.#name(nameAddress);
    const replaced = this.#vars.get(name);
    if (replaced !== undefined) this.blocks.refund(sizeOfVar(name, replaced));
    this.#vars.delete(name);
    if (address === NULL) return;
    const value = this.blocks.at(address);
    this.blocks.charge(sizeOfVar(name, value));
    this.#vars.set(name, value.slice());
  }

  /** The address of the answer's body, NULL for an empty one. */
  request(requestAddress: bigint, bodyAddress: bigint): bigint {
    this.#response = undefined;
    const ask = toHttpAsk(this.#text(requestAddress, MAX_TEXT_BYTES));
    const { value, body } = this.#ask("http", ask, this.#body(bodyAddress));
    const { status, headers } = asRecord(value);
    this.#response = {
      status: typeof status === "number" ? status : 0,
      headers: JSON.stringify(headers ?? {}),
    };
    return body.length === 0 ? NULL : this.blocks.adopt(body);
  }

  /** Of the last answer; 0 before the first one. */
  responseStatus(): number {
    return this.#response?.status ?? 0;
  }

  /** Those of the last answer as a JSON object; NULL before the first one. */
  responseHeaders(): bigint {
    if (this.#response === undefined) return NULL;
    return this.blocks.adopt(Buffer.from(this.#response.headers));
  }

  /** NULL when there is no such key; an empty value has an address. */
  getKey(key: bigint): bigint {
    const { value, body } = this.#ask("kv-get", { key: this.#name(key) });
    return asRecord(value)["found"] === true ? this.blocks.adopt(body) : NULL;
  }

  setKey(key: bigint, address: bigint): void {
    this.#ask("kv-set", { key: this.#name(key) }, this.#body(address));
  }

  /** 1 when there was such a key, 0 otherwise. */
  deleteKey(key: bigint): bigint {
    const { value } = this.#ask("kv-delete", { key: this.#name(key) });
    return asRecord(value)["found"] === true ? 1n : 0n;
  }

  /** The address of a JSON array of keys. */
  listKeys(prefix: bigint): bigint {
    const { value } = this.#ask("kv-list", { prefix: this.#name(prefix), limit: 1_000 });
    return this.blocks.adopt(Buffer.from(JSON.stringify(asRecord(value)["keys"] ?? [])));
  }

  #ask(name: AskedFunction, args: JsonValue, body?: Uint8Array): HostAnswer {
    return this.#host.ask(name, args, body);
  }

  #name(address: bigint): string {
    return this.#text(address, MAX_TEXT_BYTES);
  }

  #text(address: bigint, maxBytes: number): string {
    return decode(this.#bounded(address, maxBytes));
  }

  #body(address: bigint): Uint8Array {
    return this.#bounded(address, MAX_BODY_BYTES);
  }

  #bounded(address: bigint, maxBytes: number): Uint8Array {
    const bytes = this.blocks.at(address);
    if (bytes.length > maxBytes) {
      throw new RangeError(
        `The plugin gave ${bytes.length} bytes to its host: expected at most ${maxBytes}`,
      );
    }
    return bytes;
  }
}

type AskedFunction = "config" | "http" | "kv-get" | "kv-set" | "kv-delete" | "kv-list";

interface HttpResponse {
  readonly status: number;
  readonly headers: string;
}

function decode({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString();
}

/** A name may be as long as a value; a string takes up to two bytes a character. */
function sizeOfVar(name: string, value: Uint8Array): number {
  return 2 * name.length + value.length;
}

function asRecord(value: JsonValue): Readonly<Record<string, JsonValue>> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRecord ? (value as Readonly<Record<string, JsonValue>>) : {};
}
