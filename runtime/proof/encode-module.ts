/** A module as attacks and tests write it. Every function takes nothing and is exported. */
export interface WasmParts {
  /** What memory holds at first, from address 0 on. */
  readonly data?: readonly number[] | undefined;
  /** The function, by number, that runs at the start; imported ones come first. */
  readonly start?: number;
  readonly imports?: readonly WasmImport[];
  /** The limits of each memory: `[flags, min]` or `[flags, min, max]`. */
  readonly memories?: readonly (readonly number[])[];
  /** How many entries each table of function references begins with. */
  readonly tables?: readonly number[];
  /** Mutable ones of i32, with what they begin with. */
  readonly globals?: readonly number[];
  readonly functions?: Readonly<Record<string, WasmFunction>>;
}

/** Instructions that leave an i32, or those with locals as well: how many of which type. */
export type WasmFunction =
  | readonly number[]
  | {
      readonly code: readonly number[];
      readonly locals: readonly (readonly [count: number, type: number])[];
    };

export type WasmImport =
  | {
      readonly kind: "function";
      readonly module: string;
      readonly name: string;
      /** Parameters and results in letters, as in "iI:i"; nothing to an i64 when absent. */
      readonly type?: string;
    }
  | {
      readonly kind: "memory" | "table" | "global";
      readonly module: string;
      readonly name: string;
    };

/** Instructions, as far as attacks and tests need them. */
export const wasm = {
  unreachable: [0x00],
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  branch: (depth: number) => [0x0c, depth],
  end: [0x0b],
  call: (index: number) => [0x10, ...toLeb(index)],
  drop: [0x1a],
  getLocal: (index: number) => [0x20, index],
  setLocal: (index: number) => [0x21, index],
  teeLocal: (index: number) => [0x22, index],
  getGlobal: (index: number) => [0x23, index],
  setGlobal: (index: number) => [0x24, index],
  i32: (value: number) => [0x41, ...toSignedLeb(BigInt(value))],
  i64: (value: number | bigint) => [0x42, ...toSignedLeb(BigInt(value))],
  load: [0x28, 0x02, 0x00],
  load64: [0x29, 0x03, 0x00],
  add: [0x6a],
  add64: [0x7c],
  wrap: [0xa7],
  grow: [0x40, 0x00],
  isNegative: [0x41, 0x00, 0x48],
  ifThen: [0x04, 0x40],
  store: [0x36, 0x02, 0x00],
} as const;

export const I32 = 0x7f;
export const I64 = 0x7e;
const FUNCTION_REFERENCE = 0x70;
const EXTERNAL = { function: 0, table: 1, memory: 2, global: 3 } as const;

export type WasmSection = readonly [id: number, items: readonly (readonly number[])[]];

/** A module of these sections, each a count and its items, whether they make sense or not. */
export function encodeSections(sections: readonly WasmSection[]): Uint8Array {
  return Uint8Array.from([...HEADER, ...sections.flatMap(([id, items]) => section(id, items))]);
}

/** The bytes of a module. */
export function encodeModule(parts: WasmParts): Uint8Array {
  const { imports = [], memories = [], tables = [], functions = {}, data, start } = parts;
  const { globals = [] } = parts;
  const types = imports.flatMap((each) => (each.kind === "function" ? [toType(each)] : []));
  const importedFunctions = imports.filter(({ kind }) => kind === "function").length;
  const bodies = Object.values(functions);
  const exported = Object.keys(functions).map((name, index) =>
    toExport(name, importedFunctions + index),
  );
  const exportedMemory = memories.length === 1 ? [[...toName("memory"), EXTERNAL.memory, 0]] : [];
  return Uint8Array.from(
    [
      HEADER,
      section(1, [TYPE_OF_FUNCTIONS, ...types]),
      section(2, toImports(imports)),
      section(3, bodies.map(toFirstType)),
      section(4, tables.map(toTable)),
      section(5, memories.map(toLimits)),
      section(6, globals.map(toGlobal)),
      section(7, [...exported, ...exportedMemory]),
      start === undefined ? [] : [8, ...withLength(toLeb(start))],
      section(10, bodies.map(toBody)),
      section(
        11,
        data === undefined ? [] : [[0, ...wasm.i32(0), ...wasm.end, ...withLength(data)]],
      ),
    ].flat(),
  );
}

export const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const TYPE_OF_FUNCTIONS = [0x60, 0, 1, I32];
const VALUE_TYPES: Readonly<Record<string, number>> = { i: I32, I: I64 };

function toType({ type = ":I" }: { readonly type?: string }): readonly number[] {
  const [parameters = "", results = ""] = type.split(":");
  return [0x60, ...toTypes(parameters), ...toTypes(results)];
}

function toTypes(letters: string): readonly number[] {
  return withLength(Array.from(letters, (letter) => VALUE_TYPES[letter] ?? 0));
}

function toFirstType(): readonly number[] {
  return [0];
}

function toExport(name: string, index: number): readonly number[] {
  return [...toName(name), EXTERNAL.function, ...toLeb(index)];
}

function toTable(min: number): readonly number[] {
  return [FUNCTION_REFERENCE, 0, ...toLeb(min)];
}

function toLimits(limits: readonly number[]): readonly number[] {
  return limits.flatMap((each) => toLeb(each));
}

function toGlobal(value: number): readonly number[] {
  return [I32, 1, ...wasm.i32(value), ...wasm.end];
}

function toBody(each: WasmFunction): readonly number[] {
  const { code, locals } = "code" in each ? each : { code: each, locals: [] };
  const declared = locals.flatMap(([count, type]) => [...toLeb(count), type]);
  return withLength([...toLeb(locals.length), ...declared, ...code, ...wasm.end]);
}

/** The types of imported functions come in their order, after the one of all others. */
function toImports(imports: readonly WasmImport[]): readonly (readonly number[])[] {
  let functions = 0;
  return imports.map(({ kind, module, name }) => {
    const place = [...toName(module), ...toName(name), EXTERNAL[kind]];
    switch (kind) {
      case "function":
        functions += 1;
        return [...place, ...toLeb(functions)];
      case "memory":
        return [...place, 0, 1];
      case "table":
        return [...place, ...toTable(1)];
      case "global":
        return [...place, I32, 0];
      default:
        return kind satisfies never;
    }
  });
}

/** A section of `items`; none, no section. */
function section(id: number, items: readonly (readonly number[])[]): readonly number[] {
  if (items.length === 0) return [];
  return [id, ...withLength([...toLeb(items.length), ...items.flat()])];
}

function withLength(bytes: readonly number[]): readonly number[] {
  return [...toLeb(bytes.length), ...bytes];
}

function toName(text: string): readonly number[] {
  return withLength([...Buffer.from(text)]);
}

/** An unsigned number as LEB128. */
export function toLeb(value: number): readonly number[] {
  const low = value % 128;
  const rest = Math.floor(value / 128);
  return rest === 0 ? [low] : [low + 128, ...toLeb(rest)];
}

function toSignedLeb(value: bigint): readonly number[] {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
  return isLast ? [low] : [low | 0x80, ...toSignedLeb(rest)];
}
