/** A module as attacks and tests write it. Every function takes nothing and is exported. */
export interface WasmParts {
  readonly imports?: readonly WasmImport[];
  /** How many entries each table of function references begins with. */
  readonly tables?: readonly number[];
  /** The limits of each memory: `[flags, min]` or `[flags, min, max]`. */
  readonly memories?: readonly (readonly number[])[];
  /** Mutable ones of i32, with what they begin with. */
  readonly globals?: readonly number[];
  readonly functions?: Readonly<Record<string, WasmFunction>>;
  /** The function that runs when the module is instantiated. */
  readonly start?: string;
  /** What stands in memory from address 0 on, in as many segments. */
  readonly data?: readonly (readonly number[])[];
}

/** Without a signature an imported function takes nothing and gives an i64. */
export type WasmImport =
  | {
      readonly kind: "function";
      readonly module: string;
      readonly name: string;
      readonly params?: readonly number[];
      readonly results?: readonly number[];
    }
  | {
      readonly kind: "memory" | "table" | "global";
      readonly module: string;
      readonly name: string;
    };

/** Instructions that leave an i32, or more: locals, and what is left instead. */
export type WasmFunction =
  | readonly number[]
  | {
      readonly code: readonly number[];
      /** How many of which type. */
      readonly locals?: readonly (readonly [count: number, type: number])[];
      readonly results?: readonly number[];
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
  i64: (value: bigint) => [0x42, ...toSignedLeb(value)],
  add64: [0x7c],
  grow: [0x40, 0x00],
  isNegative: [0x41, 0x00, 0x48],
  ifThen: [0x04, 0x40],
  load: [0x28, 0x02, 0x00],
  store: [0x36, 0x02, 0x00],
  refNull: [0xd0, 0x70],
  growTable: [0xfc, 0x0f, 0x00],
} as const;

export const I32 = 0x7f;
export const I64 = 0x7e;
const FUNCTION_REFERENCE = 0x70;
const EXTERNAL = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** The bytes of a module. */
export function encodeModule(parts: WasmParts): Uint8Array<ArrayBuffer> {
  const { imports = [], memories = [], tables = [], globals = [], data = [] } = parts;
  const functions = Object.entries(parts.functions ?? {});
  const imported = imports.filter((each) => each.kind === "function");
  const types = [...imported.map(toImportType), ...functions.map(([, each]) => toType(each))];
  const indexOf = (name: string) =>
    imported.length + functions.findIndex(([each]) => each === name);
  const exported = functions.map(([name]) => toExport(name, indexOf(name)));
  const exportedMemory = memories.length === 1 ? [[...toName("memory"), EXTERNAL.memory, 0]] : [];
  return Uint8Array.from(
    [
      HEADER,
      section(1, types),
      section(2, toImports(imports)),
      section(
        3,
        functions.map((_each, index) => toLeb(imported.length + index)),
      ),
      section(4, tables.map(toTable)),
      section(5, memories.map(toLimits)),
      section(6, globals.map(toGlobal)),
      section(7, [...exported, ...exportedMemory]),
      parts.start === undefined ? [] : [8, ...withLength(toLeb(indexOf(parts.start)))],
      section(
        10,
        functions.map(([, each]) => toBody(each)),
      ),
      section(11, data.map(toData)),
    ].flat(),
  );
}

export const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A section of `items`; none, no section. */
export function section(id: number, items: readonly (readonly number[])[]): readonly number[] {
  if (items.length === 0) return [];
  return [id, ...withLength([...toLeb(items.length), ...items.flat()])];
}

function toImportType(each: Extract<WasmImport, { kind: "function" }>): readonly number[] {
  return functionType(each.params ?? [], each.results ?? [I64]);
}

function toType(each: WasmFunction): readonly number[] {
  return functionType([], "code" in each ? (each.results ?? [I32]) : [I32]);
}

function functionType(params: readonly number[], results: readonly number[]): readonly number[] {
  return [0x60, ...withLength(params), ...withLength(results)];
}

/** The types of imported functions come first, in their order. */
function toImports(imports: readonly WasmImport[]): readonly (readonly number[])[] {
  let functions = 0;
  return imports.map(({ kind, module, name }) => {
    const place = [...toName(module), ...toName(name), EXTERNAL[kind]];
    switch (kind) {
      case "function":
        functions += 1;
        return [...place, ...toLeb(functions - 1)];
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
  const { code, locals = [] } = "code" in each ? each : { code: each };
  const declared = locals.flatMap(([count, type]) => [...toLeb(count), type]);
  return withLength([...toLeb(locals.length), ...declared, ...code, ...wasm.end]);
}

function toData(bytes: readonly number[]): readonly number[] {
  return [0, ...wasm.i32(0), ...wasm.end, ...withLength(bytes)];
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
