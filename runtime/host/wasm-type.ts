import { checkValueType } from "./wasm-code.ts";
import { refusal, type WasmReader } from "./wasm-reader.ts";

/** A function's type in letters, parameters before the colon: "iI:i" takes an i32 and an i64. */
export type WasmType = string;

const FUNCTION = 0x60;
const MAX_PARAMETERS = 255;
const MAX_RESULTS = 64;

const LETTERS: Readonly<Record<number, string>> = {
  0x7f: "i",
  0x7e: "I",
  0x7d: "f",
  0x7c: "F",
  0x7b: "v",
  0x70: "r",
  0x6f: "x",
};

const NAMES: Readonly<Record<string, string>> = {
  i: "i32",
  I: "i64",
  f: "f32",
  F: "f64",
  v: "v128",
  r: "funcref",
  x: "externref",
};

/** Reads an entry of the type section. Throws `GuestStop`. */
export function readFunctionType(body: WasmReader): WasmType {
  const at = body.at;
  if (body.byte() !== FUNCTION) throw refusal(at, "expected the type of a function");
  const parameters = readTypes(body, "parameters", MAX_PARAMETERS);
  return `${parameters}:${readTypes(body, "results", MAX_RESULTS)}`;
}

/** As people write it: "(i32, i64) -> (i32)". */
export function describeType(type: WasmType): string {
  const [parameters = "", results = ""] = type.split(":");
  return `${describeTypes(parameters)} -> ${describeTypes(results)}`;
}

function describeTypes(letters: string): string {
  return `(${Array.from(letters, (letter) => NAMES[letter]).join(", ")})`;
}

function readTypes(body: WasmReader, things: string, max: number): string {
  let letters = "";
  for (let left = body.count(things, max); left > 0; left -= 1) {
    const at = body.at;
    checkValueType(body);
    letters += LETTERS[body.bytes[at] ?? 0] ?? "";
  }
  return letters;
}
