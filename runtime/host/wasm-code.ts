import { refusal, type WasmReader } from "./wasm-reader.ts";

const MAX_BODY_BYTES = 1_048_576;
const MAX_LOCALS = 10_000;
const MAX_DEPTH = 2_048;
const MAX_BRANCHES = 16_384;

const OPCODE = { block: 0x02, else: 0x05, end: 0x0b } as const;
const FIRST_BAD_ALIGNMENT = 0x40;
const NO_RESULT = 0x40;
/** i32, i64, f32, f64, v128, funcref, externref. */
const VALUE_TYPES = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f]);
const REFERENCE_TYPES = new Set([0x70, 0x6f]);

/** What follows an opcode. Zero means that there is no such instruction for a skill. */
const OPERAND = {
  none: 1,
  number: 2,
  numbers: 3,
  byte: 4,
  bytes2: 5,
  bytes4: 6,
  bytes8: 7,
  bytes16: 8,
  memory: 9,
  memoryAndLane: 10,
  numberAndByte: 11,
  block: 12,
  end: 13,
  branches: 14,
  types: 15,
  reference: 16,
  bulk: 17,
  vector: 18,
} as const;

/*
 * WebAssembly 2.0 with tail calls and relaxed vectors. What is left out on purpose: exceptions (a
 * guest could catch the host's), garbage-collected types (they live in the host's heap), threads.
 */
const OPCODES = toTable(0x100, [
  [0x00, 0x01, OPERAND.none],
  [0x02, 0x04, OPERAND.block],
  [0x05, 0x05, OPERAND.none],
  [0x0b, 0x0b, OPERAND.end],
  [0x0c, 0x0d, OPERAND.number],
  [0x0e, 0x0e, OPERAND.branches],
  [0x0f, 0x0f, OPERAND.none],
  [0x10, 0x10, OPERAND.number],
  [0x11, 0x11, OPERAND.numbers],
  [0x12, 0x12, OPERAND.number],
  [0x13, 0x13, OPERAND.numbers],
  [0x1a, 0x1b, OPERAND.none],
  [0x1c, 0x1c, OPERAND.types],
  [0x20, 0x26, OPERAND.number],
  [0x28, 0x3e, OPERAND.memory],
  [0x3f, 0x40, OPERAND.byte],
  [0x41, 0x42, OPERAND.number],
  [0x43, 0x43, OPERAND.bytes4],
  [0x44, 0x44, OPERAND.bytes8],
  [0x45, 0xc4, OPERAND.none],
  [0xd0, 0xd0, OPERAND.reference],
  [0xd1, 0xd1, OPERAND.none],
  [0xd2, 0xd2, OPERAND.number],
  [0xfc, 0xfc, OPERAND.bulk],
  [0xfd, 0xfd, OPERAND.vector],
]);

/** After 0xfc: saturating conversions, bulk memory, tables. */
const BULK_OPCODES = toTable(0x12, [
  [0x00, 0x07, OPERAND.none],
  [0x08, 0x08, OPERAND.numberAndByte],
  [0x09, 0x09, OPERAND.number],
  [0x0a, 0x0a, OPERAND.bytes2],
  [0x0b, 0x0b, OPERAND.byte],
  [0x0c, 0x0c, OPERAND.numbers],
  [0x0d, 0x0d, OPERAND.number],
  [0x0e, 0x0e, OPERAND.numbers],
  [0x0f, 0x11, OPERAND.number],
]);

/** After 0xfd: vectors of 128 bits, the relaxed ones at the end. */
const VECTOR_OPCODES = toTable(0x114, [
  [0x00, 0x0b, OPERAND.memory],
  [0x0c, 0x0d, OPERAND.bytes16],
  [0x0e, 0x14, OPERAND.none],
  [0x15, 0x22, OPERAND.byte],
  [0x23, 0x53, OPERAND.none],
  [0x54, 0x5b, OPERAND.memoryAndLane],
  [0x5c, 0x5d, OPERAND.memory],
  [0x5e, 0x113, OPERAND.none],
]);

/** What a constant expression may be made of, up to its end. */
const CONSTANT_OPCODES = new Set([
  0x0b, 0x23, 0x41, 0x42, 0x43, 0x44, 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e, 0xd0, 0xd2, 0xfd,
]);

/**
 * Walks one function: its size, locals, nesting and branch tables are bounded, every instruction
 * is one that skills may use. Throws `GuestStop`. Types and indexes are the engine's to validate.
 */
export function checkBody(section: WasmReader): void {
  const from = section.at;
  const bytes = section.number();
  if (bytes > MAX_BODY_BYTES) {
    throw refusal(from, `a function of ${bytes} bytes: expected at most ${MAX_BODY_BYTES}`);
  }
  const body = section.part(bytes, "a function");
  checkLocals(body);
  walk(body);
  body.finish("a function");
}

/** Walks a constant expression. Throws `GuestStop`. */
export function checkConstant(section: WasmReader): void {
  const { bytes } = section;
  for (;;) {
    const opcode = bytes[section.at] ?? OPCODE.end;
    if (!CONSTANT_OPCODES.has(opcode)) {
      throw refusal(section.at, `opcode ${toHex(opcode)}: expected a constant expression`);
    }
    section.skip(1);
    if (opcode === OPCODE.end) return;
    skipOperand(section, OPCODES[opcode] ?? 0, section.at - 1);
  }
}

function checkLocals(body: WasmReader): void {
  const from = body.at;
  let locals = 0;
  for (let groups = body.count("groups of locals", MAX_LOCALS); groups > 0; groups -= 1) {
    locals += body.number();
    if (locals > MAX_LOCALS) {
      throw refusal(from, `${locals} locals in a function: expected at most ${MAX_LOCALS}`);
    }
    checkValueType(body);
  }
}

/** Up to the end that closes the function. The frequent cases are here, since modules are large. */
function walk(body: WasmReader): void {
  const { bytes, end } = body;
  const { none, number, memory, block, end: endOfBlock } = OPERAND;
  let at = body.at;
  let depth = 1;
  while (at < end) {
    const operand = OPCODES[bytes[at] ?? 0] ?? 0;
    at += 1;
    if (operand === none) continue;
    if (operand === number || operand === memory) {
      if (operand === memory) {
        if ((bytes[at] ?? 0) >= FIRST_BAD_ALIGNMENT) throw badAlignment(at);
        at += 1;
      }
      while ((bytes[at] ?? 0) >= 0x80) at += 1;
      at += 1;
    } else if (operand === endOfBlock) {
      depth -= 1;
      if (depth === 0) break;
    } else {
      if (operand === block) depth += 1;
      if (depth > MAX_DEPTH) {
        throw refusal(at - 1, `${depth} nested blocks: expected at most ${MAX_DEPTH}`);
      }
      body.at = at;
      skipOperand(body, operand, at - 1);
      at = body.at;
    }
  }
  if (depth !== 0 || at > end) throw refusal(end, "expected the end of a function's last block");
  body.at = at;
}

function skipOperand(body: WasmReader, operand: number, from: number): void {
  switch (operand) {
    case OPERAND.none:
      return;
    case OPERAND.number:
      return skipNumber(body);
    case OPERAND.numbers:
      skipNumber(body);
      return skipNumber(body);
    case OPERAND.byte:
      return body.skip(1);
    case OPERAND.bytes2:
      return body.skip(2);
    case OPERAND.bytes4:
      return body.skip(4);
    case OPERAND.bytes8:
      return body.skip(8);
    case OPERAND.bytes16:
      return body.skip(16);
    case OPERAND.block:
      return skipBlockType(body);
    case OPERAND.memory:
      return skipAddress(body);
    case OPERAND.memoryAndLane:
      skipAddress(body);
      return body.skip(1);
    case OPERAND.numberAndByte:
      skipNumber(body);
      return body.skip(1);
    case OPERAND.branches:
      return skipBranches(body);
    case OPERAND.types:
      return skipTypes(body);
    case OPERAND.reference:
      return checkReferenceType(body);
    case OPERAND.bulk:
      return skipPrefixed(body, BULK_OPCODES, from);
    case OPERAND.vector:
      return skipPrefixed(body, VECTOR_OPCODES, from);
    default:
      throw unknownInstruction(from, toHex(body.bytes[from] ?? 0));
  }
}

function skipPrefixed(body: WasmReader, opcodes: Uint8Array, from: number): void {
  const opcode = body.number();
  const operand = opcodes[opcode] ?? 0;
  if (operand === 0) {
    throw unknownInstruction(from, `${toHex(body.bytes[from] ?? 0)} ${toHex(opcode)}`);
  }
  skipOperand(body, operand, from);
}

function skipNumber(body: WasmReader): void {
  while (body.byte() >= 0x80);
}

function skipAddress(body: WasmReader): void {
  const from = body.at;
  if (body.byte() >= FIRST_BAD_ALIGNMENT) throw badAlignment(from);
  skipNumber(body);
}

function skipBlockType(body: WasmReader): void {
  const from = body.at;
  const first = body.byte();
  // A negative number of one byte is a type, a positive one counts in the type section.
  const isType = first >= 0x40 && first < 0x80;
  if (isType && first !== NO_RESULT && !VALUE_TYPES.has(first)) {
    throw refusal(from, `block type ${toHex(first)}: expected a number, vector or reference type`);
  }
  if (first >= 0x80) skipNumber(body);
}

function skipBranches(body: WasmReader): void {
  for (let left = body.count("branches in a table", MAX_BRANCHES); left >= 0; left -= 1) {
    skipNumber(body);
  }
}

function skipTypes(body: WasmReader): void {
  for (let left = body.count("types of a select", 1); left > 0; left -= 1) checkValueType(body);
}

export function checkValueType(reader: WasmReader): void {
  const from = reader.at;
  const byte = reader.byte();
  if (!VALUE_TYPES.has(byte)) {
    throw refusal(from, `type ${toHex(byte)}: expected a number, vector or reference type`);
  }
}

export function checkReferenceType(reader: WasmReader): void {
  const from = reader.at;
  const byte = reader.byte();
  if (!REFERENCE_TYPES.has(byte)) {
    throw refusal(from, `type ${toHex(byte)}: expected funcref or externref`);
  }
}

function badAlignment(at: number) {
  return refusal(at, "expected the alignment of an access to the one memory");
}

function unknownInstruction(at: number, opcode: string) {
  return refusal(at, `opcode ${opcode}: expected an instruction that skills may use`);
}

function toHex(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}

function toTable(size: number, ranges: readonly (readonly [number, number, number])[]): Uint8Array {
  const table = new Uint8Array(size);
  for (const [first, last, operand] of ranges) table.fill(operand, first, last + 1);
  return table;
}
