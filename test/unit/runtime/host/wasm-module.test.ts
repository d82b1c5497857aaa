import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "vitest";
import { GuestStop } from "../../../../runtime/host/guest-stop.ts";
import { admitModule, START_EXPORT } from "../../../../runtime/host/wasm-module.ts";
import {
  encodeModule,
  encodeSections,
  type WasmSection,
  wasm,
} from "../../../../runtime/proof/encode-module.ts";
import { CATALOG_DIR } from "../../../../skills-registry/index.ts";
import { createRandom } from "../../../support/seeded-random.ts";

const MEMORY_MIB = 16;
const HEADER_BYTES = 8;
const CUSTOM = 0;
/** Sections that admission writes anew: tables, memories, exports and the start function. */
const REWRITTEN = new Set([4, 5, 7, 8]);

const TYPE = [0x60, 0, 0];
const I32 = 0x7f;
const leb = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...leb(Math.floor(value / 128))];
const sized = (bytes: readonly number[]) => [...leb(bytes.length), ...bytes];
const body = (...code: number[]) => sized([0, ...code, 0x0b]);
const name = (text: string) => sized([...Buffer.from(text)]);
const repeat = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

const withCode = (...bodies: number[][]) =>
  encodeSections([
    [1, [TYPE]],
    [3, bodies.map(() => [0])],
    [4, [[0x70, 0, 1]]],
    [5, [[0, 1]]],
    [9, [[0, 0x41, 0, 0x0b, 1, 0]]],
    [10, bodies],
  ]);

const bad: readonly (readonly [
  string,
  Uint8Array,
  { code: string; at: number; expected: string },
])[] = [
  ["nothing", new Uint8Array(), { code: "failed", at: 0, expected: "expected the header" }],
  [
    "another version",
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0),
    { code: "failed", at: 0, expected: "expected the header" },
  ],
  [
    "a component",
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0),
    { code: "failed", at: 0, expected: "expected the header" },
  ],
  [
    "half a section",
    Uint8Array.of(...encodeSections([]), 1, 9, 0),
    { code: "failed", at: 10, expected: "a section of 9 bytes" },
  ],
  [
    "a size without end",
    Uint8Array.of(...encodeSections([]), 1, ...repeat(6, 0x80)),
    { code: "failed", at: 9, expected: "expected a number of 32 bits" },
  ],
  [
    "a size past 32 bits",
    Uint8Array.of(...encodeSections([]), 1, 0xff, 0xff, 0xff, 0xff, 0x7f),
    { code: "failed", at: 9, expected: "expected a number of 32 bits" },
  ],
  [
    "types twice",
    encodeSections([
      [1, [TYPE]],
      [1, [TYPE]],
    ]),
    { code: "failed", at: 14, expected: "section 1: expected each section once" },
  ],
  [
    "imports before types",
    encodeSections([
      [3, [[0]]],
      [1, [TYPE]],
    ]),
    { code: "failed", at: 12, expected: "section 1: expected each section once" },
  ],
  [
    "exception tags",
    encodeSections([[13, [[0, 0]]]]),
    { code: "failed", at: 8, expected: "section 13: expected one of" },
  ],
  [
    "more in a section than it says",
    Uint8Array.of(...encodeSections([]), 1, 5, 1, 0x60, 0, 0, 0),
    { code: "failed", at: 14, expected: "expected the end of a section" },
  ],
  [
    "a structure type",
    encodeSections([[1, [[0x5f, 0]]]]),
    { code: "failed", at: 11, expected: "expected the type of a function" },
  ],
  [
    "a recursive group",
    encodeSections([[1, [[0x4e, 0]]]]),
    { code: "failed", at: 11, expected: "expected the type of a function" },
  ],
  [
    "references that are typed",
    encodeSections([[1, [[0x60, 1, 0x63, 0x70, 0]]]]),
    { code: "failed", at: 13, expected: "expected a number, vector or reference type" },
  ],
  [
    "256 parameters",
    encodeSections([[1, [[0x60, ...leb(256), ...repeat(256, I32), 0]]]]),
    { code: "failed", at: 13, expected: "256 parameters: expected at most 255" },
  ],
  [
    "a billion types",
    Uint8Array.of(...encodeSections([]), 1, 5, ...leb(1e9)),
    { code: "failed", at: 10, expected: "1000000000 types: expected at most 10000" },
  ],
  [
    "types that do not fit",
    Uint8Array.of(...encodeSections([]), 1, 1, 99),
    { code: "failed", at: 10, expected: "no more than fit into their section" },
  ],
  [
    "a name that is no text",
    encodeSections([
      [1, [TYPE]],
      [2, [[2, 0xc3, 0x28, ...name("x"), 0, 0]]],
    ]),
    { code: "failed", at: 18, expected: "expected a name in UTF-8" },
  ],
  [
    "a name too long",
    encodeSections([
      [1, [TYPE]],
      [2, [[...name("x".repeat(1_025)), ...name("x"), 0, 0]]],
    ]),
    { code: "failed", at: 18, expected: "1025 bytes in a name: expected at most 1024" },
  ],
  [
    "an unknown function",
    encodeSections([
      [1, [TYPE]],
      [2, [[...name("env"), ...name("system"), 0, 0]]],
    ]),
    { code: "denied", at: 17, expected: '"env.system", which no host has: expected' },
  ],
  [
    "a function of the prototype",
    encodeSections([
      [1, [TYPE]],
      [2, [[...name("extism:host/env"), ...name("toString"), 0, 0]]],
    ]),
    { code: "denied", at: 17, expected: "which no host has" },
  ],
  [
    "a module of the prototype",
    encodeSections([
      [1, [TYPE]],
      [2, [[...name("__proto__"), ...name("toString"), 0, 0]]],
    ]),
    { code: "denied", at: 17, expected: "which no host has" },
  ],
  [
    "a function by another type",
    encodeSections([
      [1, [TYPE]],
      [2, [[...name("extism:host/env"), ...name("alloc"), 0, 0]]],
    ]),
    { code: "failed", at: 17, expected: "as () -> (): expected (i64) -> (i64)" },
  ],
  [
    "an imported table",
    encodeSections([[2, [[...name("env"), ...name("t"), 1, 0x70, 0, 1]]]]),
    { code: "denied", at: 11, expected: "expected functions only" },
  ],
  [
    "an imported memory",
    encodeSections([[2, [[...name("env"), ...name("m"), 2, 0, 1]]]]),
    { code: "denied", at: 11, expected: "expected functions only" },
  ],
  [
    "an imported global",
    encodeSections([[2, [[...name("env"), ...name("g"), 3, I32, 0]]]]),
    { code: "denied", at: 11, expected: "expected functions only" },
  ],
  [
    "nine tables",
    encodeSections([[4, repeat(9, [0x70, 0, 1])]]),
    { code: "memory", at: 10, expected: "9 tables: expected at most 8" },
  ],
  [
    "a huge table",
    encodeSections([[4, [[0x70, 0, ...leb(65_537)]]]]),
    { code: "memory", at: 12, expected: "a table of 65537 entries: expected at most 65536" },
  ],
  [
    "a 64-bit table",
    encodeSections([[4, [[0x70, 4, 1]]]]),
    { code: "denied", at: 12, expected: "shared or 64-bit" },
  ],
  [
    "a table with a first value",
    encodeSections([[4, [[0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b]]]]),
    { code: "failed", at: 11, expected: "expected funcref or externref" },
  ],
  [
    "two memories",
    encodeSections([
      [
        5,
        [
          [0, 1],
          [0, 1],
        ],
      ],
    ]),
    { code: "denied", at: 10, expected: "2 memories: expected at most one" },
  ],
  [
    "shared memory",
    encodeSections([[5, [[3, 1, 1]]]]),
    { code: "denied", at: 11, expected: "shared or 64-bit" },
  ],
  [
    "64-bit memory",
    encodeSections([[5, [[4, 1]]]]),
    { code: "denied", at: 11, expected: "shared or 64-bit" },
  ],
  [
    "memory past the limit",
    encodeSections([[5, [[0, ...leb(MEMORY_MIB * 16 + 1)]]]]),
    { code: "memory", at: 11, expected: "the module begins with 17 MiB of memory" },
  ],
  [
    "memory whose most is less",
    encodeSections([[5, [[1, 2, 1]]]]),
    { code: "failed", at: 11, expected: "a memory of at least 2, at most 1" },
  ],
  [
    "a global that calls",
    encodeSections([[6, [[I32, 0, 0x10, 0, 0x0b]]]]),
    { code: "failed", at: 13, expected: "expected a constant expression" },
  ],
  [
    "a global without end",
    encodeSections([[6, [[I32, 0, 0x41, 0]]]]),
    { code: "failed", at: 15, expected: "expected 1 more bytes" },
  ],
  [
    "an exported tag",
    encodeSections([[7, [[...name("t"), 4, 0]]]]),
    { code: "failed", at: 13, expected: "expected the export of a function" },
  ],
  [
    "an element segment of its own kind",
    encodeSections([[9, [[8, 0]]]]),
    { code: "failed", at: 11, expected: "expected an element segment" },
  ],
  [
    "more elements than there may be",
    Uint8Array.of(...encodeSections([]), 9, 6, 1, 1, 0, ...leb(262_145)),
    { code: "failed", at: 13, expected: "262145 elements: expected at most 262144" },
  ],
  [
    "data of its own kind",
    encodeSections([[11, [[3, 0]]]]),
    { code: "failed", at: 11, expected: "expected a data segment" },
  ],
  [
    "data that ends after its place",
    encodeSections([[11, [[1, 9, 0]]]]),
    { code: "failed", at: 13, expected: "expected 9 more bytes, there are 1" },
  ],
  [
    "functions without code",
    encodeSections([
      [1, [TYPE]],
      [3, [[0]]],
    ]),
    { code: "failed", at: 18, expected: "expected the code of 1 functions" },
  ],
  [
    "code without functions",
    encodeSections([
      [1, [TYPE]],
      [10, [body()]],
    ]),
    { code: "failed", at: 16, expected: "the code of 1 functions: expected that of 0" },
  ],
  [
    "10,001 locals",
    encodeSections([
      [1, [TYPE]],
      [3, [[0]]],
      [10, [sized([2, ...leb(10_000), I32, 1, I32, 0x0b])]],
    ]),
    { code: "failed", at: 22, expected: "10001 locals in a function: expected at most 10000" },
  ],
  [
    "four billion locals",
    encodeSections([
      [1, [TYPE]],
      [3, [[0]]],
      [10, [sized([1, ...leb(2 ** 32 - 1), I32, 0x0b])]],
    ]),
    { code: "failed", at: 22, expected: "expected at most 10000" },
  ],
  [
    "2,048 blocks in each other",
    withCode(body(...repeat(2_048, [0x02, 0x40]).flat())),
    { code: "failed", at: 4_139, expected: "2049 nested blocks: expected at most 2048" },
  ],
  [
    "a branch table too long",
    withCode(body(0x41, 0, 0x0e, ...leb(16_385), ...repeat(16_386, 0))),
    { code: "failed", at: 50, expected: "16385 branches in a table: expected at most 16384" },
  ],
  [
    "a function too long",
    withCode(leb(1_048_577)),
    { code: "failed", at: 41, expected: "a function of 1048577 bytes" },
  ],
  [
    "code after the end",
    withCode(body(0x0b, 0x01)),
    { code: "failed", at: 44, expected: "expected the end of a function" },
  ],
  [
    "code without an end",
    withCode(sized([0, 0x01])),
    { code: "failed", at: 44, expected: "expected the end of a function's last block" },
  ],
  [
    "half an instruction",
    withCode(sized([0, 0x41])),
    { code: "failed", at: 44, expected: "expected the end of a function's last block" },
  ],
  [
    "an atomic access",
    withCode(body(0xfe, 0x10, 2, 0)),
    { code: "failed", at: 43, expected: "opcode 0xfe" },
  ],
  [
    "an exception handler",
    withCode(body(0x06, 0x40, 0x0b)),
    { code: "failed", at: 43, expected: "opcode 0x06" },
  ],
  [
    "a new structure",
    withCode(body(0xfb, 0, 0)),
    { code: "failed", at: 43, expected: "opcode 0xfb" },
  ],
  [
    "a call by typed reference",
    withCode(body(0x14, 0)),
    { code: "failed", at: 43, expected: "opcode 0x14" },
  ],
  [
    "an unknown bulk instruction",
    withCode(body(0xfc, 0x12)),
    { code: "failed", at: 43, expected: "opcode 0xfc 0x12" },
  ],
  [
    "an unknown vector instruction",
    withCode(body(0xfd, 0x94, 0x02)),
    { code: "failed", at: 43, expected: "opcode 0xfd 0x114" },
  ],
  [
    "an access to a second memory",
    withCode(body(0x41, 0, 0x28, 0x42, 1, 0, 0x1a)),
    { code: "failed", at: 46, expected: "expected the alignment" },
  ],
  [
    "a block of a typed reference",
    withCode(body(0x02, 0x63, 0x70, 0x0b)),
    { code: "failed", at: 44, expected: "block type 0x63" },
  ],
];

test.for(bad)(
  "admitModule() refuses %s and says where",
  ([, code, { at, expected, ...stop }], { expect }) => {
    const fault = faultOf(code);
    expect(fault).toMatchObject(stop);
    expect(fault?.message).toContain(`at byte ${at}, `);
    expect(fault?.message).toContain(expected);
  },
);

const good: readonly (readonly [string, readonly number[]])[] = [
  [
    "numbers of every kind",
    [
      0x41,
      ...repeat(4, 0x80),
      0x78,
      0x1a,
      0x42,
      ...repeat(9, 0xff),
      0x00,
      0x1a,
      0x43,
      0,
      0,
      0,
      0,
      0x1a,
      0x44,
      ...repeat(8, 0),
      0x1a,
    ],
  ],
  [
    "bytes in constants that look like opcodes",
    [0x44, ...repeat(8, 0xfe), 0x1a, 0x43, ...repeat(4, 0x0b), 0x1a],
  ],
  [
    "blocks, branches and tables of them",
    [
      0x02, 0x40, 0x03, 0x40, 0x41, 0, 0x04, 0x40, 0x0c, 1, 0x05, 0x41, 0, 0x0e, 2, 0, 1, 2, 0x0b,
      0x0b, 0x0b,
    ],
  ],
  ["a block of a type by number", [0x02, 0x00, 0x0b]],
  ["2,047 blocks in each other", [...repeat(2_047, [0x02, 0x40]).flat(), ...repeat(2_047, 0x0b)]],
  [
    "access to memory",
    [
      0x41, 0, 0x28, 2, 0xff, 0xff, 0x03, 0x1a, 0x41, 0, 0x41, 1, 0x36, 2, 0x80, 0x80, 0x80, 0x80,
      0, 0x3f, 0, 0x40, 0, 0x1a,
    ],
  ],
  [
    "bulk memory and tables",
    [
      0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0, 0xd0, 0x70,
      0x41, 0, 0xfc, 15, 0, 0x1a, 0xfc, 16, 0, 0x1a, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 14, 0, 0,
    ],
  ],
  ["segments by number", [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 12, 0, 0, 0xfc, 13, 0]],
  ["conversions that saturate", [0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a]],
  ["references", [0xd2, 0, 0xd1, 0x1a, 0xd0, 0x6f, 0x1a, 0x41, 0, 0x41, 0, 0x25, 0, 0x26, 0]],
  ["a select with a type", [0x41, 0, 0x41, 1, 0x41, 0, 0x1c, 1, I32, 0x1a]],
  ["calls, tail calls", [0x10, 0, 0x41, 0, 0x11, 0, 0, 0x12, 0]],
  [
    "vectors",
    [
      0xfd,
      12,
      ...repeat(16, 0xfe),
      0xfd,
      12,
      ...repeat(16, 0),
      0xfd,
      13,
      ...repeat(16, 1),
      0xfd,
      21,
      3,
      0x1a,
      0x41,
      0,
      0xfd,
      0,
      4,
      0,
      0x1a,
      0x41,
      0,
      0xfd,
      12,
      ...repeat(16, 0),
      0xfd,
      84,
      0,
      0,
      15,
      0x1a,
      0x41,
      0,
      0xfd,
      92,
      2,
      0,
      0xfd,
      0xe1,
      0x01,
      0x1a,
    ],
  ],
];

test.for(good)("admitModule() admits %s, and the engine compiles them", ([, code], { expect }) => {
  const { bytes } = admitModule(withCode(body(...code)), MEMORY_MIB);
  expect(new WebAssembly.Module(bytes)).toBeInstanceOf(WebAssembly.Module);
});

test("admitModule() caps what memory and tables may grow to", ({ expect }) => {
  const asked = encodeSections([
    [
      4,
      [
        [0x70, 0, 1],
        [0x6f, 1, 1, ...leb(1e9)],
        [0x70, 1, 1, 2],
      ],
    ],
    [5, [[1, 1, ...leb(65_536)]]],
  ]);
  const given = encodeSections([
    [
      4,
      [
        [0x70, 1, 1, ...leb(65_536)],
        [0x6f, 1, 1, ...leb(65_536)],
        [0x70, 1, 1, 2],
      ],
    ],
    [5, [[1, 1, ...leb(MEMORY_MIB * 16)]]],
  ]);
  expect(admitModule(asked, MEMORY_MIB).bytes).toEqual(given);
});

test.for([
  ["its exports", [[7, [[...name("run"), 0, 0]]]]],
  ["no exports", []],
] as const)(
  "admitModule() turns the start function into an export beside %s",
  ([, exports], { expect }) => {
    const sections = (middle: readonly WasmSection[]) =>
      encodeSections([[1, [TYPE]], [3, [[0]]], ...middle, [10, [body()]]]);
    const code = sections(exports);
    const at = code.length - 6;
    const starting = Uint8Array.of(...code.subarray(0, at), 8, 1, 0, ...code.subarray(at));
    const entries = exports.flatMap(([, items]) => items.map((item) => [...item]));
    const { bytes } = admitModule(starting, MEMORY_MIB);
    expect(bytes).toEqual(sections([[7, [...entries, [...name(START_EXPORT), 0, 0]]]]));
  },
);

test("admitModule() leaves a good module as it is, but for what it caps and drops", async ({
  expect,
}) => {
  const code = await readCalculator();
  const kept = (bytes: Uint8Array) =>
    sectionsOf(bytes).filter(({ id }) => id !== CUSTOM && !REWRITTEN.has(id));
  const { bytes } = admitModule(code, MEMORY_MIB);
  expect(kept(bytes)).toEqual(kept(code));
  expect(sectionsOf(bytes).map(({ id }) => id)).not.toContain(CUSTOM);
  expect(admitModule(bytes, MEMORY_MIB).bytes).toEqual(bytes);
  expect(new WebAssembly.Module(bytes)).toBeInstanceOf(WebAssembly.Module);
});

test("admitModule() refuses broken modules by GuestStop only, the engine the rest by CompileError", async ({
  expect,
}) => {
  const random = createRandom(7);
  const echo = encodeModule({
    imports: [{ kind: "function", module: "extism:host/env", name: "alloc", type: "I:I" }],
    memories: [[0, 1]],
    tables: [2],
    data: [1, 2, 3],
    start: 1,
    functions: { try_it: [...wasm.i64(8), ...wasm.call(0), 0xa7] },
  });
  const calculator = await readCalculator();
  const ends = { refused: 0, uncompiled: 0, compiled: 0 };
  for (let round = 0; round < 2_000; round += 1) {
    const code = mutate(round % 50 === 0 ? calculator : echo, random);
    ends[endOf(code)] += 1;
  }
  expect(Math.min(ends.refused, ends.uncompiled, ends.compiled)).toBeGreaterThan(20);
});

function faultOf(code: Uint8Array): GuestStop | undefined {
  try {
    admitModule(code, MEMORY_MIB);
    return undefined;
  } catch (error) {
    if (error instanceof GuestStop) return error;
    throw error;
  }
}

function endOf(code: Uint8Array): "refused" | "uncompiled" | "compiled" {
  try {
    const { bytes } = admitModule(code, MEMORY_MIB);
    const module = new WebAssembly.Module(bytes);
    return module instanceof WebAssembly.Module ? "compiled" : "uncompiled";
  } catch (error) {
    if (error instanceof GuestStop) return "refused";
    if (error instanceof WebAssembly.CompileError) return "uncompiled";
    throw error;
  }
}

/** One to four bytes changed, taken out or put in, after the header. */
function mutate(code: Uint8Array, random: () => number): Uint8Array {
  const upTo = (max: number) => Math.floor(random() * max);
  const bytes = [...code];
  for (let left = 1 + upTo(4); left > 0; left -= 1) {
    const at = HEADER_BYTES + upTo(bytes.length - HEADER_BYTES);
    const change = upTo(4);
    if (change === 0) bytes.splice(at, 1);
    else if (change === 1) bytes.splice(at, 0, upTo(256));
    else if (change === 2) bytes[at] = upTo(256);
    else bytes[at] = (bytes[at] ?? 0) ^ (1 << upTo(8));
  }
  return Uint8Array.from(bytes);
}

function sectionsOf(code: Uint8Array): { id: number; bytes: Uint8Array }[] {
  const sections = [];
  for (let at = HEADER_BYTES; at < code.length; ) {
    const from = at;
    const id = code[at] ?? 0;
    let length = 0;
    let shift = 0;
    do {
      at += 1;
      length += ((code[at] ?? 0) & 0x7f) * 2 ** shift;
      shift += 7;
    } while ((code[at] ?? 0) >= 0x80);
    at += 1 + length;
    sections.push({ id, bytes: code.subarray(from, at) });
  }
  return sections;
}

async function readCalculator(): Promise<Uint8Array> {
  const file = path.join(CATALOG_DIR, "calculator/dist/calculator.wasm");
  return new Uint8Array(await readFile(file));
}
