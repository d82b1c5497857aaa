import {
  add,
  bitLength,
  compare,
  divideSmall,
  divideWithRest,
  isOne,
  multiply,
  Natural,
  ONE,
  power,
  shiftLeft,
  shiftRight,
  TEN,
  toDecimal,
  trailingZeros,
} from "./natural";
import { MAX_BITS, powerOfTen, Value } from "./value";

export class Decimal {
  constructor(
    public text: string,
    public isExact: bool,
  ) {}
}

/** Writes a value in full where it is exact and ends, else rounded to `digits`. */
export function toDecimalText(value: Value, digits: i32): Decimal {
  const places = value.isExact ? decimalPlaces(value.denominator) : -1;
  const text = places < 0 ? rounded(value, digits) : inFull(value, places);
  return new Decimal(value.isNegative ? "-" + text : text, places >= 0);
}

/** Decimals that `1 / denominator` takes; -1 if it does not end, or not soon. */
function decimalPlaces(denominator: Natural): i32 {
  const twos = trailingZeros(denominator);
  let rest = shiftRight(denominator, twos);
  let fives = 0;
  fives += removeFactor(rest, 1_220_703_125) * 13;
  rest = withoutFactor;
  fives += removeFactor(rest, 5);
  const places = max(twos, fives);
  return isOne(withoutFactor) && places * 3 < MAX_BITS ? places : -1;
}

/** What `removeFactor` left over. */
let withoutFactor: Natural = ONE;

function removeFactor(a: Natural, factor: u32): i32 {
  let count = 0;
  let rest = a;
  while (!isOne(rest)) {
    const division = divideSmall(rest, factor);
    if (division.remainder != 0) break;
    rest = division.quotient;
    count++;
  }
  withoutFactor = rest;
  return count;
}

function inFull(value: Value, places: i32): string {
  const scaled = multiply(value.numerator, power(TEN, places));
  const digits = toDecimal(divideWithRest(scaled, value.denominator).quotient);
  return withPoint(digits, digits.length - places);
}

function rounded(value: Value, wanted: i32): string {
  if (value.isZero) return "0";
  const bits = bitLength(value.numerator) - bitLength(value.denominator);
  let scale = wanted - <i32>Math.floor(<f64>bits * 0.301029995663981195);
  let digits = roundedAt(value, scale);
  while (digits.length != wanted && digits.length > 0) {
    scale -= digits.length - wanted;
    digits = roundedAt(value, scale);
  }
  const point = wanted - scale;
  const kept = withoutTrailingZeros(digits);
  return point > -6 && point <= max(wanted, 21)
    ? withPoint(kept.padEnd(point, "0"), point)
    : scientific(kept, point - 1);
}

/** The nearest whole number to `value * 10^scale`, halves up. */
function roundedAt(value: Value, scale: i32): string {
  const factor = powerOfTen(scale);
  const over = multiply(value.numerator, factor.numerator);
  const under = multiply(value.denominator, factor.denominator);
  const division = divideWithRest(over, under);
  const isUp = compare(shiftLeft(division.remainder, 1), under) >= 0;
  return toDecimal(isUp ? add(division.quotient, ONE) : division.quotient);
}

/** Puts the point after `point` digits, which may be none or fewer. */
function withPoint(digits: string, point: i32): string {
  if (point <= 0) return "0." + "0".repeat(-point) + digits;
  return point >= digits.length ? digits : digits.slice(0, point) + "." + digits.slice(point);
}

function scientific(digits: string, exponent: i32): string {
  const mantissa = digits.length > 1 ? digits.slice(0, 1) + "." + digits.slice(1) : digits;
  return mantissa + (exponent < 0 ? "e-" : "e+") + abs(exponent).toString();
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) == 48) end--;
  return digits.slice(0, end);
}
