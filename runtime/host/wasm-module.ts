import { checkBody, checkConstant, checkReferenceType, checkValueType } from "./wasm-code.ts";
import { type AdmittedImport, admitImport } from "./wasm-imports.ts";
import { quote, refusal, WasmReader } from "./wasm-reader.ts";
import { readFunctionType, type WasmType } from "./wasm-type.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const PAGES_PER_MIB = 16;
const HAS_MAXIMUM = 1;

const MAX = {
  moduleBytes: 16 * 1_048_576,
  types: 10_000,
  imports: 1_000,
  functions: 65_536,
  tables: 8,
  tableEntries: 65_536,
  globals: 10_000,
  exports: 10_000,
  segments: 65_536,
  elements: 262_144,
} as const;

const FUNCTION_IMPORT = 0;
const FUNCTION_EXPORT = 0;
const LAST_EXPORT_KIND = 3;

/** A module's start function under a name to call it by: code runs when the host says so. */
export const START_EXPORT = "nexflow:start";

/** A module that may be compiled and run. No code of it runs while it is instantiated. */
export interface AdmittedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly imports: readonly AdmittedImport[];
}

/**
 * The module in `code` without custom sections, its memory capped at `memoryMiB`, its tables at a
 * fixed size, its start function exported instead of run by instantiation. Walks every section and instruction; throws `GuestStop`, with the byte and what was
 * expected there, where the module is not well formed, imports what this host does not have,
 * declares memory that is shared or 64-bit or larger than the cap, or more of anything than a
 * skill needs. What types and indexes mean is for the engine to validate when it compiles.
 */
export function admitModule(code: Uint8Array, memoryMiB: number): AdmittedModule {
  if (code.length > MAX.moduleBytes) {
    throw refusal(0, `${code.length} bytes: expected at most ${MAX.moduleBytes}`);
  }
  if (!HEADER.every((byte, at) => code[at] === byte)) {
    throw refusal(0, "it is no wasm module: expected the header of version 1");
  }
  const reader = new WasmReader(code, HEADER.length);
  const walk: Walk = { memoryMiB, types: [], imports: [], functions: 0 };
  const parts = [code.subarray(0, HEADER.length)];
  let last = 0;
  while (!reader.isAtEnd) {
    const from = reader.at;
    const id = reader.byte();
    const body = reader.part(reader.number(), "a section");
    if (id === CUSTOM_SECTION) continue;
    last = checkOrder(from, id, last);
    const changed = SECTIONS[id]?.(body, walk);
    body.finish("a section");
    // The start function joins the exports, which stand before it.
    if (id === SECTION.start && walk.exports !== undefined) parts.pop();
    parts.push(changed ?? code.subarray(from, reader.at));
  }
  if (walk.functions > 0) {
    throw refusal(code.length, `expected the code of ${walk.functions} functions`);
  }
  return { bytes: join(parts), imports: walk.imports };
}

interface Walk {
  readonly memoryMiB: number;
  readonly types: WasmType[];
  readonly imports: AdmittedImport[];
  /** Declared and still without code. */
  functions: number;
  exports?: { readonly count: number; readonly entries: Uint8Array };
}

/** Reads a section up to its end; gives what to put in its place, if anything. */
type SectionCheck = (body: WasmReader, walk: Walk) => Uint8Array | undefined;

const CUSTOM_SECTION = 0;
const SECTION = { table: 4, memory: 5, export: 7, start: 8 } as const;
/** As they must stand in a module. */
const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];

const SECTIONS: Readonly<Record<number, SectionCheck>> = {
  1: checkTypes,
  2: checkImports,
  3: checkFunctions,
  4: capTables,
  5: capMemory,
  6: checkGlobals,
  7: checkExports,
  8: exportStart,
  9: checkElements,
  10: checkCode,
  11: checkData,
  12: checkDataCount,
};

function checkOrder(at: number, id: number, last: number): number {
  const rank = ORDER.indexOf(id) + 1;
  if (rank === 0) throw refusal(at, `section ${id}: expected one of WebAssembly 2.0`);
  if (rank <= last) throw refusal(at, `section ${id}: expected each section once and in order`);
  return rank;
}

function checkTypes(body: WasmReader, { types }: Walk): undefined {
  for (let left = body.count("types", MAX.types); left > 0; left -= 1) {
    types.push(readFunctionType(body));
  }
}

function checkImports(body: WasmReader, { types, imports }: Walk): undefined {
  for (let left = body.count("imports", MAX.imports); left > 0; left -= 1) {
    const at = body.at;
    const [module, name] = [body.name(), body.name()];
    if (body.byte() !== FUNCTION_IMPORT) {
      const what = `the module imports ${quote(`${module}.${name}`)}, which is no function`;
      throw refusal(at, `${what}: expected functions only`, { code: "denied" });
    }
    imports.push(admitImport({ module, name, at }, types[body.number()]));
  }
}

function checkFunctions(body: WasmReader, walk: Walk): undefined {
  walk.functions = body.count("functions", MAX.functions);
  for (let left = walk.functions; left > 0; left -= 1) body.number();
}

function capTables(body: WasmReader): Uint8Array {
  const from = body.at;
  const count = body.number();
  if (count > MAX.tables) {
    throw refusal(from, `${count} tables: expected at most ${MAX.tables}`, { code: "memory" });
  }
  const tables: number[] = [];
  for (let left = count; left > 0; left -= 1) {
    const type = body.at;
    checkReferenceType(body);
    tables.push(body.bytes[type] ?? 0);
    const at = body.at;
    const { min, max = MAX.tableEntries } = readLimits(body, "a table");
    if (min > MAX.tableEntries) {
      const most = `expected at most ${MAX.tableEntries}`;
      throw refusal(at, `a table of ${min} entries: ${most}`, { code: "memory" });
    }
    tables.push(HAS_MAXIMUM, ...toLeb(min), ...toLeb(Math.min(max, MAX.tableEntries)));
  }
  return toSection(SECTION.table, [Uint8Array.of(count), Uint8Array.from(tables)]);
}

function capMemory(body: WasmReader, { memoryMiB }: Walk): Uint8Array {
  const from = body.at;
  const count = body.number();
  if (count > 1) throw refusal(from, `${count} memories: expected at most one`, { code: "denied" });
  if (count === 0) return toSection(SECTION.memory, [Uint8Array.of(0)]);
  const at = body.at;
  const capPages = memoryMiB * PAGES_PER_MIB;
  const { min, max = capPages } = readLimits(body, "a memory");
  if (min > capPages) {
    const usedMiB = Math.ceil(min / PAGES_PER_MIB);
    const what = `the module begins with ${usedMiB} MiB of memory`;
    throw refusal(at, `${what}: expected at most ${memoryMiB}`, { code: "memory", used: usedMiB });
  }
  const limits = [HAS_MAXIMUM, ...toLeb(min), ...toLeb(Math.min(max, capPages))];
  return toSection(SECTION.memory, [Uint8Array.from([1, ...limits])]);
}

function readLimits(body: WasmReader, what: string): { min: number; max?: number } {
  const from = body.at;
  const flags = body.byte();
  if (flags > HAS_MAXIMUM) {
    throw refusal(from, `${what} that is shared or 64-bit: expected neither`, { code: "denied" });
  }
  const min = body.number();
  if (flags !== HAS_MAXIMUM) return { min };
  const max = body.number();
  if (max < min)
    throw refusal(from, `${what} of at least ${min}, at most ${max}: expected an order`);
  return { min, max };
}

function checkGlobals(body: WasmReader): undefined {
  for (let left = body.count("globals", MAX.globals); left > 0; left -= 1) {
    checkValueType(body);
    const at = body.at;
    if (body.byte() > 1) throw refusal(at, "expected a global that can change or cannot");
    checkConstant(body);
  }
}

function checkExports(body: WasmReader, walk: Walk): undefined {
  const count = body.count("exports", MAX.exports);
  const from = body.at;
  for (let left = count; left > 0; left -= 1) {
    body.name();
    const at = body.at;
    if (body.byte() > LAST_EXPORT_KIND) {
      throw refusal(at, "expected the export of a function, table, memory or global");
    }
    body.number();
  }
  walk.exports = { count, entries: body.bytes.subarray(from, body.at) };
}

function exportStart(body: WasmReader, { exports }: Walk): Uint8Array {
  const start = body.number();
  const { count, entries } = exports ?? { count: 0, entries: new Uint8Array() };
  const name = [START_EXPORT.length, ...Buffer.from(START_EXPORT)];
  const added = Uint8Array.from([...name, FUNCTION_EXPORT, ...toLeb(start)]);
  return toSection(SECTION.export, [Uint8Array.from(toLeb(count + 1)), entries, added]);
}

const ELEMENTS = { isNotActive: 1, hasTable: 2, hasExpressions: 4, last: 7 } as const;

function checkElements(body: WasmReader): undefined {
  let elements = 0;
  for (let left = body.count("element segments", MAX.segments); left > 0; left -= 1) {
    const from = body.at;
    elements += checkElementSegment(body);
    if (elements > MAX.elements) {
      throw refusal(from, `${elements} elements: expected at most ${MAX.elements}`);
    }
  }
}

function checkElementSegment(body: WasmReader): number {
  const from = body.at;
  const flags = body.number();
  if (flags > ELEMENTS.last) throw refusal(from, "expected an element segment");
  const isActive = (flags & ELEMENTS.isNotActive) === 0;
  const hasExpressions = (flags & ELEMENTS.hasExpressions) !== 0;
  const hasTable = (flags & ELEMENTS.hasTable) !== 0;
  if (isActive && hasTable) body.number();
  if (isActive) checkConstant(body);
  if (!isActive || hasTable) checkElementKind(body, hasExpressions);
  const count = body.count("elements", MAX.elements);
  for (let left = count; left > 0; left -= 1) {
    if (hasExpressions) checkConstant(body);
    else body.number();
  }
  return count;
}

function checkElementKind(body: WasmReader, hasExpressions: boolean): void {
  if (hasExpressions) return checkReferenceType(body);
  const at = body.at;
  if (body.byte() !== 0) throw refusal(at, "expected elements that are functions");
}

function checkCode(body: WasmReader, walk: Walk): undefined {
  const from = body.at;
  const count = body.count("functions with code", MAX.functions);
  if (count !== walk.functions) {
    throw refusal(from, `the code of ${count} functions: expected that of ${walk.functions}`);
  }
  walk.functions = 0;
  for (let left = count; left > 0; left -= 1) checkBody(body);
}

const DATA = { active: 0, passive: 1, activeWithMemory: 2 } as const;

function checkData(body: WasmReader): undefined {
  for (let left = body.count("data segments", MAX.segments); left > 0; left -= 1) {
    const from = body.at;
    const kind = body.number();
    if (kind > DATA.activeWithMemory) throw refusal(from, "expected a data segment");
    if (kind === DATA.activeWithMemory) body.number();
    if (kind !== DATA.passive) checkConstant(body);
    body.skip(body.number());
  }
}

function checkDataCount(body: WasmReader): undefined {
  const from = body.at;
  const count = body.number();
  if (count > MAX.segments) {
    throw refusal(from, `${count} data segments: expected at most ${MAX.segments}`);
  }
}

function toSection(id: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = join(parts);
  return join([Uint8Array.from([id, ...toLeb(body.length)]), body]);
}

function toLeb(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >>> 7;
  return rest === 0 ? [low] : [low | 0x80, ...toLeb(rest)];
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
