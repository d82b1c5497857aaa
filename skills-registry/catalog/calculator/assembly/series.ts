// Constants and functions without an exact value, as whole multiples of 2^-bits.

import { hasFailed } from "./failure";
import {
  add,
  compare,
  divide,
  divideSmall,
  isZero,
  multiply,
  multiplySmall,
  Natural,
  ONE,
  shiftLeft,
  shiftRight,
  subtract,
  ZERO,
} from "./natural";

/** Machin's formula. */
export function piSeries(bits: i32): Natural {
  const fifth = multiplySmall(inverseArc(5, bits, true), 16);
  return subtract(fifth, multiplySmall(inverseArc(239, bits, true), 4));
}

export function eSeries(bits: i32): Natural {
  let term = shiftLeft(ONE, bits);
  let sum = term;
  for (let k: u32 = 1; !isZero(term) && !hasFailed(); k++) {
    term = divideSmall(term, k).quotient;
    sum = add(sum, term);
  }
  return sum;
}

export function ln2Series(bits: i32): Natural {
  const first = multiplySmall(inverseArc(26, bits, false), 18);
  const second = multiplySmall(inverseArc(4801, bits, false), 2);
  const third = multiplySmall(inverseArc(8749, bits, false), 8);
  return add(subtract(first, second), third);
}

/** The arc tangent of `1 / n`, or its hyperbolic kin without alternating signs. */
function inverseArc(n: u32, bits: i32, isAlternating: bool): Natural {
  let term = divideSmall(shiftLeft(ONE, bits), n).quotient;
  let plus = term;
  let minus = ZERO;
  for (let k: u32 = 1; !isZero(term) && !hasFailed(); k++) {
    term = divideSmall(term, n * n).quotient;
    const part = divideSmall(term, 2 * k + 1).quotient;
    if (isAlternating && (k & 1) == 1) minus = add(minus, part);
    else plus = add(plus, part);
  }
  return subtract(plus, minus);
}

/** e^x for 0 <= x < 1: the series at x / 256, squared eight times. */
export function expSeries(x: Natural, bits: i32): Natural {
  const small = shiftRight(x, 8);
  let term = shiftLeft(ONE, bits);
  let sum = term;
  for (let k: u32 = 1; !isZero(term) && !hasFailed(); k++) {
    term = divideSmall(shiftRight(multiply(term, small), bits), k).quotient;
    sum = add(sum, term);
  }
  for (let i = 0; i < 8; i++) sum = shiftRight(multiply(sum, sum), bits);
  return sum;
}

/** |ln x| for 1/2 < x < 2: twice the hyperbolic arc tangent of (x - 1) / (x + 1). */
export function lnSeries(x: Natural, bits: i32): Natural {
  const one = shiftLeft(ONE, bits);
  const distance = compare(x, one) < 0 ? subtract(one, x) : subtract(x, one);
  const y = divide(shiftLeft(distance, bits), add(x, one));
  const square = shiftRight(multiply(y, y), bits);
  let power = y;
  let sum = y;
  for (let k: u32 = 1; !isZero(power) && !hasFailed(); k++) {
    power = shiftRight(multiply(power, square), bits);
    sum = add(sum, divideSmall(power, 2 * k + 1).quotient);
  }
  return shiftLeft(sum, 1);
}
