import { fail, hasFailed } from "./failure";
import {
  add as addNaturals,
  bitLength,
  compare as compareNaturals,
  divide as divideNaturals,
  divideWithRest,
  factorial as factorialOfNatural,
  fromU64,
  greatestCommonDivisor,
  isOne,
  isZero,
  multiply as multiplyNaturals,
  Natural,
  ONE,
  power as powerOfNatural,
  shiftLeft,
  shiftRight,
  squareRoot,
  toSmall,
} from "./natural";
import { eSeries, expSeries, ln2Series, lnSeries, piSeries } from "./series";
import {
  add,
  divide,
  MAX_BITS,
  multiply,
  negate,
  precision,
  small,
  subtract,
  Value,
  valueOf,
  wholeOf,
  wholePower,
} from "./value";

/** Bits beyond the precision that take up the roundings of a series. */
const GUARD_BITS: i32 = 64;
const MAX_ROOT: i64 = 1_000;

export function pi(): Value {
  const bits = precision() + GUARD_BITS;
  return scaled(piSeries(bits), bits);
}

export function e(): Value {
  const bits = precision() + GUARD_BITS;
  return scaled(eSeries(bits), bits);
}

export function factorial(n: Value): Value {
  if (!n.isWhole || n.isNegative) {
    fail("a factorial wants a whole number that is not negative");
    return small(0);
  }
  const count = toSmall(n.numerator);
  if (count < 0 || count > MAX_BITS) {
    fail("a result is too large: more than 39,000 digits");
    return small(0);
  }
  return wholeOf(factorialOfNatural(<u32>count, MAX_BITS));
}

export function gcd(a: Value, b: Value): Value {
  if (!areWhole(a, b, "gcd")) return small(0);
  return wholeOf(greatestCommonDivisor(a.numerator, b.numerator));
}

export function lcm(a: Value, b: Value): Value {
  if (!areWhole(a, b, "lcm")) return small(0);
  if (a.isZero || b.isZero) return small(0);
  const divisor = greatestCommonDivisor(a.numerator, b.numerator);
  return valueOf(
    false,
    multiplyNaturals(divideNaturals(a.numerator, divisor), b.numerator),
    ONE,
    true,
  );
}

function areWhole(a: Value, b: Value, name: string): bool {
  if (a.isWhole && b.isWhole) return true;
  fail(name + " wants whole numbers");
  return false;
}

/** Exact for squares of fractions. */
export function sqrt(a: Value): Value {
  if (a.isNegative) {
    fail("the square root of a negative number is not real");
    return small(0);
  }
  if (a.isExact) {
    const over = squareRoot(a.numerator);
    const under = squareRoot(a.denominator);
    if (isSquareOf(over, a.numerator) && isSquareOf(under, a.denominator)) {
      return new Value(false, over, under, true);
    }
  }
  const wanted = precision() + GUARD_BITS;
  const shift = max(0, wanted - (bitLength(a.numerator) - bitLength(a.denominator)) / 2);
  const root = squareRoot(divideNaturals(shiftLeft(a.numerator, 2 * shift), a.denominator));
  return scaled(root, shift);
}

function isSquareOf(root: Natural, a: Natural): bool {
  return compareNaturals(multiplyNaturals(root, root), a) == 0;
}

export function exp(a: Value): Value {
  if (a.isExact && a.isZero) return small(1);
  const size = bitLength(a.numerator) - bitLength(a.denominator);
  if (size > 17) {
    fail(a.isNegative ? "a result is too small" : "a result is too large");
    return small(0);
  }
  const bits = precision() + GUARD_BITS + max(size, 0);
  const x = divideNaturals(shiftLeft(a.numerator, bits), a.denominator);
  const split = divideWithRest(x, ln2Series(bits));
  const twos = <i32>toSmall(split.quotient);
  if (twos > MAX_BITS) {
    fail(a.isNegative ? "a result is too small" : "a result is too large");
    return small(0);
  }
  const over = shiftLeft(expSeries(split.remainder, bits), twos);
  const under = shiftLeft(ONE, bits);
  return a.isNegative ? valueOf(false, under, over, false) : valueOf(false, over, under, false);
}

export function ln(a: Value): Value {
  if (a.isNegative || a.isZero) {
    fail("the logarithm of a number that is not positive is not real");
    return small(0);
  }
  if (isExactOne(a)) return small(0);
  const twos = bitLength(a.numerator) - bitLength(a.denominator);
  const bits = precision() + GUARD_BITS;
  const over = shiftLeft(a.numerator, bits + max(0, -twos));
  const x = divideNaturals(over, shiftLeft(a.denominator, max(0, twos)));
  const rest = scaled(lnSeries(x, bits), bits);
  const isBelow = compareNaturals(x, shiftLeft(ONE, bits)) < 0;
  const whole = multiply(small(twos), scaled(ln2Series(bits), bits));
  return add(whole, isBelow ? negate(rest) : rest);
}

/** Exact for powers of the base. */
export function logarithm(a: Value, base: i32): Value {
  const quotient = divide(ln(a), ln(small(base)));
  if (!a.isExact || hasFailed()) return quotient;
  const guess = nearestWhole(quotient);
  const found = wholePower(small(base), guess);
  return isSame(found, a) ? guess : quotient;
}

export function pow(base: Value, exponent: Value): Value {
  if (exponent.isWhole) return wholePower(base, exponent);
  if (base.isZero && exponent.isNegative) return divide(small(1), base);
  if (base.isZero || isExactOne(base)) return base;
  if (base.isNegative) {
    fail("a power of a negative number wants a whole exponent");
    return small(0);
  }
  const exact = base.isExact && exponent.isExact ? exactRoot(base, exponent.denominator) : null;
  if (exact !== null) {
    const times = new Value(exponent.isNegative, exponent.numerator, ONE, true);
    return wholePower(exact, times);
  }
  return exp(multiply(exponent, ln(base)));
}

/** The root where it is a fraction, found by its nearest whole numbers and proved by its power. */
function exactRoot(a: Value, degree: Natural): Value | null {
  const times = toSmall(degree);
  if (times < 0 || times > MAX_ROOT) return null;
  const over = wholeRoot(a.numerator, <i32>times);
  if (over === null) return null;
  const under = wholeRoot(a.denominator, <i32>times);
  return under === null ? null : new Value(false, over, under, true);
}

function wholeRoot(a: Natural, degree: i32): Natural | null {
  if (isOne(a)) return a;
  if (bitLength(a) <= degree) return null;
  const root = degree == 2 ? squareRoot(a) : nearRoot(a, degree);
  return compareNaturals(powerOfNatural(root, degree), a) == 0 ? root : null;
}

/** The whole part of a root, by Newton's method from above. */
function nearRoot(a: Natural, degree: i32): Natural {
  let root = shiftLeft(ONE, (bitLength(a) + degree - 1) / degree);
  while (!hasFailed()) {
    const step = divideNaturals(a, powerOfNatural(root, degree - 1));
    const sum = multiplyNaturals(root, fromU64(degree - 1));
    const next = divideNaturals(addNaturals(sum, step), fromU64(degree));
    if (compareNaturals(next, root) >= 0) break;
    root = next;
  }
  return root;
}

function nearestWhole(a: Value): Value {
  const doubled = shiftLeft(a.numerator, 1);
  const halves = divideNaturals(doubled, a.denominator);
  const whole = shiftRight(addNaturals(halves, ONE), 1);
  return new Value(a.isNegative && !isZero(whole), whole, ONE, true);
}

function isExactOne(a: Value): bool {
  return a.isWhole && !a.isNegative && isOne(a.numerator);
}

function isSame(a: Value, b: Value): bool {
  return subtract(a, b).isZero;
}

function scaled(numerator: Natural, bits: i32): Value {
  return valueOf(false, numerator, shiftLeft(ONE, bits), false);
}
