import { fail, failUnsure, hasFailed } from "./failure";
import {
  add as addNaturals,
  bitLength,
  compare as compareNaturals,
  divide as divideNaturals,
  divideWithRest,
  fromU64,
  greatestCommonDivisor,
  isOne,
  isZero,
  multiply as multiplyNaturals,
  Natural,
  ONE,
  power as powerOfNatural,
  shiftLeft,
  subtract as subtractNaturals,
  TEN,
  toSmall,
  ZERO,
} from "./natural";

/** About 39,000 decimal digits: no number in a calculation may be longer. */
export const MAX_BITS: i32 = 131_072;

/** Bits that values which are not exact carry; set for each pass. */
let precisionBits: i32 = 0;

export function setPrecision(bits: i32): void {
  precisionBits = bits;
}

export function precision(): i32 {
  return precisionBits;
}

/** A fraction in lowest terms. One that is not exact is near the true value: a multiple of 2^-n. */
export class Value {
  constructor(
    public isNegative: bool,
    public numerator: Natural,
    public denominator: Natural,
    public isExact: bool,
  ) {}

  get isZero(): bool {
    return isZero(this.numerator);
  }

  get isWhole(): bool {
    return this.isExact && isOne(this.denominator);
  }
}

export function wholeOf(natural: Natural): Value {
  return new Value(false, natural, ONE, true);
}

export function small(value: i32): Value {
  return new Value(value < 0, fromU64(abs(value)), ONE, true);
}

/** Brings a fraction into the form of a `Value`: reduced if exact, else cut to the precision. */
export function valueOf(
  isNegative: bool,
  numerator: Natural,
  denominator: Natural,
  isExact: bool,
): Value {
  if (hasFailed()) return small(0);
  if (!isExact) return nearby(isNegative, numerator, denominator);
  if (isZero(numerator)) return small(0);
  let over = numerator;
  let under = denominator;
  if (!isOne(under)) {
    const divisor = greatestCommonDivisor(over, under);
    if (!isOne(divisor)) {
      over = divideNaturals(over, divisor);
      under = divideNaturals(under, divisor);
    }
  }
  return checked(new Value(isNegative, over, under, true));
}

function nearby(isNegative: bool, numerator: Natural, denominator: Natural): Value {
  if (isZero(numerator)) return new Value(false, ZERO, ONE, false);
  const shift = precisionBits + 1 - bitLength(numerator) + bitLength(denominator);
  if (abs(shift) > MAX_BITS) {
    fail(shift > 0 ? "a result is too small" : "a result is too large");
    return small(0);
  }
  const value =
    shift > 0
      ? new Value(
          isNegative,
          divideNaturals(shiftLeft(numerator, shift), denominator),
          shiftLeft(ONE, shift),
          false,
        )
      : new Value(
          isNegative,
          shiftLeft(divideNaturals(numerator, shiftLeft(denominator, -shift)), -shift),
          ONE,
          false,
        );
  return checked(value);
}

function checked(value: Value): Value {
  if (bitLength(value.numerator) <= MAX_BITS && bitLength(value.denominator) <= MAX_BITS)
    return value;
  fail("a result is too large: more than 39,000 digits");
  return small(0);
}

export function negate(a: Value): Value {
  return new Value(!a.isNegative && !a.isZero, a.numerator, a.denominator, a.isExact);
}

export function add(a: Value, b: Value): Value {
  const isExact = a.isExact && b.isExact;
  const isSame = compareNaturals(a.denominator, b.denominator) == 0;
  const left = isSame ? a.numerator : multiplyNaturals(a.numerator, b.denominator);
  const right = isSame ? b.numerator : multiplyNaturals(b.numerator, a.denominator);
  const under = isSame ? a.denominator : multiplyNaturals(a.denominator, b.denominator);
  if (a.isNegative == b.isNegative) {
    return valueOf(a.isNegative, addNaturals(left, right), under, isExact);
  }
  const isLess = compareNaturals(left, right) < 0;
  const difference = isLess ? subtractNaturals(right, left) : subtractNaturals(left, right);
  return valueOf(isLess ? b.isNegative : a.isNegative, difference, under, isExact);
}

export function subtract(a: Value, b: Value): Value {
  return add(a, negate(b));
}

export function multiply(a: Value, b: Value): Value {
  return valueOf(
    a.isNegative != b.isNegative,
    multiplyNaturals(a.numerator, b.numerator),
    multiplyNaturals(a.denominator, b.denominator),
    (a.isExact && b.isExact) || isExactZero(a) || isExactZero(b),
  );
}

export function divide(a: Value, b: Value): Value {
  if (b.isZero) {
    if (b.isExact) fail("division by zero");
    else failUnsure("a divisor cannot be told from zero");
    return small(0);
  }
  return valueOf(
    a.isNegative != b.isNegative,
    multiplyNaturals(a.numerator, b.denominator),
    multiplyNaturals(a.denominator, b.numerator),
    (a.isExact && b.isExact) || isExactZero(a),
  );
}

export function compare(a: Value, b: Value): i32 {
  const difference = subtract(a, b);
  return difference.isZero ? 0 : difference.isNegative ? -1 : 1;
}

/** The greatest whole number that is not above `a`. */
export function floor(a: Value): Value {
  const division = divideWithRest(a.numerator, a.denominator);
  const rest = division.remainder;
  if (!a.isExact && isNearWhole(rest, a.denominator)) {
    failUnsure("a value cannot be told from a whole number");
    return small(0);
  }
  const isBelow = a.isNegative && !isZero(rest);
  const whole = isBelow ? addNaturals(division.quotient, ONE) : division.quotient;
  return new Value(a.isNegative && !isZero(whole), whole, ONE, true);
}

export function ceil(a: Value): Value {
  return negate(floor(negate(a)));
}

/** To `digits` decimals, halves away from zero. */
export function round(a: Value, digits: i32): Value {
  const scale = powerOfTen(digits);
  const scaled = multiply(new Value(false, a.numerator, a.denominator, a.isExact), scale);
  const half = new Value(false, ONE, fromU64(2), true);
  const rounded = divide(floor(add(scaled, half)), scale);
  return a.isNegative ? negate(rounded) : rounded;
}

/** What is left when `b` is taken from `a` as often as goes: it has the sign of `b`. */
export function modulo(a: Value, b: Value): Value {
  return subtract(a, multiply(b, floor(divide(a, b))));
}

export function powerOfTen(exponent: i32): Value {
  const scale = powerOfNatural(TEN, abs(exponent));
  return exponent < 0 ? new Value(false, ONE, scale, true) : wholeOf(scale);
}

/** `base ^ exponent` for a whole exponent. */
export function wholePower(base: Value, exponent: Value): Value {
  const isOdd = !exponent.isZero && (exponent.numerator[0] & 1) == 1;
  if (exponent.isZero) return small(1);
  if (base.isZero && exponent.isNegative) return divide(small(1), base);
  if (base.isWhole && (base.isZero || isOne(base.numerator))) {
    return base.isNegative && !isOdd ? negate(base) : base;
  }
  const times = toSmall(exponent.numerator);
  const bits = max(bitLength(base.numerator), bitLength(base.denominator)) - 1;
  if (times < 0 || times > MAX_BITS || (base.isExact && <i64>bits * times > MAX_BITS)) {
    fail("a result is too large: more than 39,000 digits");
    return small(0);
  }
  const positive = base.isExact ? exactPower(base, <i32>times) : nearbyPower(base, <i32>times);
  const signed = isOdd && base.isNegative ? negate(positive) : positive;
  return exponent.isNegative ? divide(small(1), signed) : signed;
}

/** A fraction in lowest terms stays so in every power. */
function exactPower(base: Value, times: i32): Value {
  const over = powerOfNatural(base.numerator, times);
  return checked(new Value(false, over, powerOfNatural(base.denominator, times), true));
}

function nearbyPower(base: Value, times: i32): Value {
  const factor = new Value(false, base.numerator, base.denominator, false);
  let result = small(1);
  for (let bit = 31 - <i32>clz(times); bit >= 0 && !hasFailed(); bit--) {
    result = multiply(result, result);
    if ((times >> bit) & 1) result = multiply(result, factor);
  }
  return result;
}

function isExactZero(a: Value): bool {
  return a.isExact && a.isZero;
}

/** Within half of the precision of a whole number. */
function isNearWhole(rest: Natural, denominator: Natural): bool {
  const distance = min(bitLength(rest), bitLength(subtractNaturals(denominator, rest)));
  return distance + precisionBits / 2 < bitLength(denominator) || isOne(denominator);
}
