import { Host, Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";
import { Decimal, toDecimalText } from "./decimal";
import { clearUnsure, failUnsure, failure, hasFailed } from "./failure";
import { parseInput, quoted } from "./json";
import { Parser } from "./parser";
import { setPrecision } from "./value";

/** Passes, each with twice the precision of the one before, until two agree. */
const MAX_PASSES: i32 = 4;

/** The tool "evaluate". */
export function evaluate(): i32 {
  const input = parseInput(Host.inputString());
  const result = compute(input.expression, input.digits);
  if (hasFailed() || result === null) return answerError(input.expression);
  const json = `{"expression":${quoted(input.expression.trim())},"result":"${result.text}","exact":${result.isExact ? "true" : "false"}}`;
  Host.output(Uint8Array.wrap(String.UTF8.encode(json)));
  return 0;
}

/**
 * An exact result is taken at once. One that is not must come out the same with twice the
 * precision: then all its digits are right.
 */
function compute(expression: string, digits: i32): Decimal | null {
  let last: Decimal | null = null;
  let bits = (digits * 10) / 3 + 64;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    if (!clearUnsure()) return null;
    setPrecision(bits);
    const value = new Parser(expression).evaluate();
    bits *= 2;
    if (hasFailed()) {
      last = null;
      continue;
    }
    const result = toDecimalText(value, digits);
    if (value.isExact) return result;
    if (last !== null && result.text == last.text) return result;
    last = result;
  }
  if (!hasFailed()) failUnsure(`the result cannot be settled to ${digits} digits`);
  return null;
}

function answerError(expression: string): i32 {
  const shown = expression.length > 60 ? expression.slice(0, 60) + "..." : expression;
  error_set(Memory.allocateString(`Cannot evaluate "${shown}": ${failure()}`).offset);
  return 1;
}

/** Where the compiler sends what should never happen: an index out of bounds, no more memory. */
export function myAbort(
  message: string | null,
  _file: string | null,
  _line: u32,
  _column: u32,
): void {
  error_set(
    Memory.allocateString(`Cannot evaluate: ${message === null ? "aborted" : message}`).offset,
  );
  unreachable();
}
