import { GuestStop } from "./guest-stop.ts";

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const PAGES_PER_MIB = 16;
const MAX_TABLES = 8;
const MAX_TABLE_ENTRIES = 65_536;

const SECTION = { custom: 0, import: 2, table: 4, memory: 5 } as const;
const FUNCTION_IMPORT = 0;
const HAS_MAXIMUM = 1;
const REFERENCE_TYPES = new Set([0x70, 0x6f]);

/**
 * The module in `code` with its memory capped at `memoryMiB` and without custom sections. Throws
 * `GuestStop` where it imports anything but functions, declares memory that is shared or 64-bit
 * or larger than the cap, or tables without end. The rest is for the engine to validate.
 */
export function admitModule(code: Uint8Array, memoryMiB: number): Uint8Array<ArrayBuffer> {
  if (!MAGIC.every((byte, at) => code[at] === byte)) {
    throw new GuestStop(
      "failed",
      "The skill's code does not load: it is no wasm module, version 1",
    );
  }
  const reader = new Reader(code, MAGIC.length);
  const parts: Uint8Array[] = [Uint8Array.from(MAGIC)];
  while (!reader.isAtEnd) {
    const from = reader.at;
    const id = reader.byte();
    const bodyBytes = reader.number();
    const body = reader.section(bodyBytes);
    if (id === SECTION.custom) continue;
    if (id === SECTION.import) checkImports(body);
    if (id === SECTION.table) checkTables(body);
    const isMemory = id === SECTION.memory;
    parts.push(isMemory ? cappedMemory(body, memoryMiB) : code.subarray(from, reader.at));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function checkImports(body: Reader): void {
  for (let left = body.number(); left > 0; left -= 1) {
    const name = `${body.name()}.${body.name()}`;
    const kind = body.byte();
    if (kind !== FUNCTION_IMPORT) {
      throw new GuestStop("denied", `The module imports "${name}", which is no function`);
    }
    body.number();
  }
}

function checkTables(body: Reader): void {
  const count = body.number();
  if (count > MAX_TABLES) {
    throw new GuestStop("memory", `The module has ${count} tables: expected at most ${MAX_TABLES}`);
  }
  for (let left = count; left > 0; left -= 1) {
    if (!REFERENCE_TYPES.has(body.byte())) {
      throw new GuestStop("denied", `The module's tables hold something else than references`);
    }
    const { min } = readLimits(body, "table");
    if (min > MAX_TABLE_ENTRIES) {
      const most = `at most ${MAX_TABLE_ENTRIES}`;
      throw new GuestStop("memory", `The module has a table of ${min} entries: expected ${most}`);
    }
  }
}

function cappedMemory(body: Reader, memoryMiB: number): Uint8Array {
  const count = body.number();
  if (count > 1) throw new GuestStop("denied", `The module has ${count} memories: expected one`);
  if (count === 0) return Uint8Array.of(SECTION.memory, 1, 0);
  const capPages = memoryMiB * PAGES_PER_MIB;
  const { min, max = capPages } = readLimits(body, "memory");
  if (min > capPages) {
    const usedMiB = Math.ceil(min / PAGES_PER_MIB);
    throw new GuestStop("memory", `The module begins with ${usedMiB} MiB of memory`, usedMiB);
  }
  const limits = [1, HAS_MAXIMUM, ...toLeb(min), ...toLeb(Math.min(max, capPages))];
  return Uint8Array.of(SECTION.memory, limits.length, ...limits);
}

function readLimits(body: Reader, what: "memory" | "table"): { min: number; max?: number } {
  const flags = body.byte();
  if (flags > HAS_MAXIMUM) {
    throw new GuestStop("denied", `The module's ${what} is shared or 64-bit: expected neither`);
  }
  const min = body.number();
  return flags === HAS_MAXIMUM ? { min, max: body.number() } : { min };
}

function toLeb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >>> 7;
  return rest === 0 ? [low] : [low | 0x80, ...toLeb(rest)];
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#end;
  }

  byte(): number {
    const byte = this.at < this.#end ? this.#bytes[this.at] : undefined;
    if (byte === undefined) throw this.#fault("the module ends too early");
    this.at += 1;
    return byte;
  }

  /** An unsigned LEB128 number of 32 bits. */
  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw this.#fault("expected a number of 32 bits");
  }

  name(): string {
    const bytes = this.number();
    const from = this.at;
    this.#skip(bytes);
    return Buffer.from(this.#bytes.subarray(from, this.at)).toString();
  }

  /** A reader of the next `bytes` bytes, which are skipped here. */
  section(bytes: number): Reader {
    const from = this.at;
    this.#skip(bytes);
    return new Reader(this.#bytes, from, this.at);
  }

  #skip(bytes: number): void {
    if (bytes > this.#end - this.at) throw this.#fault("a section or name ends after its place");
    this.at += bytes;
  }

  #fault(what: string): GuestStop {
    return new GuestStop("failed", `The skill's code does not load: at byte ${this.at}, ${what}`);
  }
}
