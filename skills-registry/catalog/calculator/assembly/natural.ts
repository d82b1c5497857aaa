import { fail, hasFailed, spend } from "./failure";

/** A natural number: 32-bit limbs, lowest first, no zero limb at the top. Never changed once made. */
export type Natural = StaticArray<u32>;

export const ZERO: Natural = [];
export const ONE: Natural = [1];
export const TEN: Natural = [10];

const BASE_1E9: u32 = 1_000_000_000;

export function fromU64(value: u64): Natural {
  const limbs = new StaticArray<u32>(2);
  limbs[0] = <u32>value;
  limbs[1] = <u32>(value >> 32);
  return trimmed(limbs);
}

/** The value where it fits 32 bits, else -1. */
export function toSmall(a: Natural): i64 {
  if (a.length > 1) return -1;
  return a.length == 0 ? 0 : <i64>unchecked(a[0]);
}

export function isZero(a: Natural): bool {
  return a.length == 0;
}

export function isOne(a: Natural): bool {
  return a.length == 1 && unchecked(a[0]) == 1;
}

export function bitLength(a: Natural): i32 {
  const n = a.length;
  return n == 0 ? 0 : n * 32 - <i32>clz(unchecked(a[n - 1]));
}

export function trailingZeros(a: Natural): i32 {
  let i = 0;
  while (i < a.length && unchecked(a[i]) == 0) i++;
  return i == a.length ? 0 : i * 32 + <i32>ctz(unchecked(a[i]));
}

export function compare(a: Natural, b: Natural): i32 {
  if (a.length != b.length) return a.length < b.length ? -1 : 1;
  for (let i = a.length - 1; i >= 0; i--) {
    const x = unchecked(a[i]);
    const y = unchecked(b[i]);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

export function add(a: Natural, b: Natural): Natural {
  if (a.length < b.length) return add(b, a);
  spend(a.length);
  const sum = new StaticArray<u32>(a.length + 1);
  let carry: u64 = 0;
  for (let i = 0; i < a.length; i++) {
    carry += <u64>unchecked(a[i]);
    if (i < b.length) carry += <u64>unchecked(b[i]);
    unchecked((sum[i] = <u32>carry));
    carry >>= 32;
  }
  sum[a.length] = <u32>carry;
  return trimmed(sum);
}

/** `a - b`; `a` must not be the smaller one. */
export function subtract(a: Natural, b: Natural): Natural {
  spend(a.length);
  const difference = new StaticArray<u32>(a.length);
  let borrow: i64 = 0;
  for (let i = 0; i < a.length; i++) {
    borrow += <i64>unchecked(a[i]);
    if (i < b.length) borrow -= <i64>unchecked(b[i]);
    unchecked((difference[i] = <u32>borrow));
    borrow >>= 32;
  }
  return trimmed(difference);
}

export function multiply(a: Natural, b: Natural): Natural {
  if (a.length == 0 || b.length == 0) return ZERO;
  spend(<u64>a.length * <u64>b.length);
  if (hasFailed()) return ZERO;
  const product = new StaticArray<u32>(a.length + b.length);
  for (let i = 0; i < a.length; i++) {
    const x = <u64>unchecked(a[i]);
    let carry: u64 = 0;
    for (let j = 0; j < b.length; j++) {
      carry += x * <u64>unchecked(b[j]) + <u64>unchecked(product[i + j]);
      unchecked((product[i + j] = <u32>carry));
      carry >>= 32;
    }
    unchecked((product[i + b.length] = <u32>carry));
  }
  return trimmed(product);
}

export function multiplySmall(a: Natural, factor: u32): Natural {
  spend(a.length);
  const product = new StaticArray<u32>(a.length + 1);
  let carry: u64 = 0;
  for (let i = 0; i < a.length; i++) {
    carry += <u64>unchecked(a[i]) * factor;
    unchecked((product[i] = <u32>carry));
    carry >>= 32;
  }
  product[a.length] = <u32>carry;
  return trimmed(product);
}

export class Division {
  constructor(
    public quotient: Natural,
    public remainder: Natural,
  ) {}
}

export function divide(a: Natural, b: Natural): Natural {
  return divideWithRest(a, b).quotient;
}

/** Knuth's algorithm D. `b` must not be zero. */
export function divideWithRest(a: Natural, b: Natural): Division {
  if (compare(a, b) < 0 || hasFailed()) return new Division(ZERO, a);
  if (b.length == 1) {
    const small = divideSmall(a, unchecked(b[0]));
    return new Division(small.quotient, fromU64(small.remainder));
  }
  const n = b.length;
  const m = a.length - n;
  spend(<u64>n * <u64>(m + 1));
  const shift = <i32>clz(b[n - 1]);
  const divisor = shiftLeft(b, shift);
  const rest = new StaticArray<u32>(a.length + 1);
  const shifted = shiftLeft(a, shift);
  memory.copy(changetype<usize>(rest), changetype<usize>(shifted), (<usize>shifted.length) << 2);
  const quotient = new StaticArray<u32>(m + 1);
  const top = <u64>divisor[n - 1];
  const second = <u64>divisor[n - 2];
  for (let j = m; j >= 0; j--) {
    const head = ((<u64>unchecked(rest[j + n])) << 32) | <u64>unchecked(rest[j + n - 1]);
    let guess = head / top;
    let left = head % top;
    while (guess >> 32 != 0 || guess * second > ((left << 32) | <u64>unchecked(rest[j + n - 2]))) {
      guess--;
      left += top;
      if (left >> 32 != 0) break;
    }
    if (subtractMultiple(rest, divisor, guess, j)) {
      guess--;
      addBack(rest, divisor, j);
    }
    unchecked((quotient[j] = <u32>guess));
  }
  return new Division(trimmed(quotient), shiftRight(trimmed(rest), shift));
}

/** `rest -= divisor * factor` from limb `at` on; true when that went below zero. */
function subtractMultiple(rest: Natural, divisor: Natural, factor: u64, at: i32): bool {
  let carry: u64 = 0;
  let borrow: i64 = 0;
  for (let i = 0; i < divisor.length; i++) {
    carry += factor * <u64>unchecked(divisor[i]);
    borrow += <i64>unchecked(rest[at + i]) - <i64>(<u32>carry);
    unchecked((rest[at + i] = <u32>borrow));
    carry >>= 32;
    borrow >>= 32;
  }
  borrow += <i64>unchecked(rest[at + divisor.length]) - <i64>carry;
  unchecked((rest[at + divisor.length] = <u32>borrow));
  return borrow < 0;
}

function addBack(rest: Natural, divisor: Natural, at: i32): void {
  let carry: u64 = 0;
  for (let i = 0; i < divisor.length; i++) {
    carry += <u64>unchecked(rest[at + i]) + <u64>unchecked(divisor[i]);
    unchecked((rest[at + i] = <u32>carry));
    carry >>= 32;
  }
  unchecked((rest[at + divisor.length] += <u32>carry));
}

export class SmallDivision {
  constructor(
    public quotient: Natural,
    public remainder: u32,
  ) {}
}

export function divideSmall(a: Natural, divisor: u32): SmallDivision {
  spend(a.length * 4);
  const quotient = new StaticArray<u32>(a.length);
  const remainder = divideInto(quotient, a, a.length, divisor);
  return new SmallDivision(trimmed(quotient), remainder);
}

function divideInto(quotient: Natural, a: Natural, length: i32, divisor: u32): u32 {
  let rest: u64 = 0;
  for (let i = length - 1; i >= 0; i--) {
    rest = (rest << 32) | <u64>unchecked(a[i]);
    const digit = rest / divisor;
    unchecked((quotient[i] = <u32>digit));
    rest -= digit * divisor;
  }
  return <u32>rest;
}

export function shiftLeft(a: Natural, bits: i32): Natural {
  if (a.length == 0 || bits == 0) return a;
  const limbs = bits >> 5;
  const rest = <u64>(bits & 31);
  spend(a.length + limbs);
  const shifted = new StaticArray<u32>(a.length + limbs + 1);
  let carry: u64 = 0;
  for (let i = 0; i < a.length; i++) {
    carry |= (<u64>unchecked(a[i])) << rest;
    unchecked((shifted[i + limbs] = <u32>carry));
    carry >>= 32;
  }
  shifted[a.length + limbs] = <u32>carry;
  return trimmed(shifted);
}

export function shiftRight(a: Natural, bits: i32): Natural {
  if (bits == 0) return a;
  const limbs = bits >> 5;
  const rest = <u64>(bits & 31);
  if (limbs >= a.length) return ZERO;
  spend(a.length);
  const shifted = new StaticArray<u32>(a.length - limbs);
  for (let i = limbs; i < a.length; i++) {
    const high = i + 1 < a.length ? <u64>unchecked(a[i + 1]) : 0;
    unchecked((shifted[i - limbs] = <u32>(((high << 32) | <u64>unchecked(a[i])) >> rest)));
  }
  return trimmed(shifted);
}

export function power(base: Natural, exponent: i32): Natural {
  let result = ONE;
  for (let bit = 31 - <i32>clz(exponent); bit >= 0 && !hasFailed(); bit--) {
    result = multiply(result, result);
    if ((exponent >> bit) & 1) result = multiply(result, base);
  }
  return result;
}

/** Multiplies in place: a new number for each of thousands of factors would fill the memory. */
export function factorial(n: u32, maxBits: i32): Natural {
  const product = new StaticArray<u32>(maxBits / 32 + 2);
  product[0] = 1;
  let length = 1;
  let factor: u64 = 1;
  for (let k: u64 = 2; k <= n && !hasFailed(); k++) {
    if ((factor * k) >> 32 != 0) {
      length = multiplyInPlace(product, length, factor);
      if (length * 32 > maxBits) fail("the result is too large");
      factor = 1;
    }
    factor *= k;
  }
  multiplyInPlace(product, length, factor);
  return trimmed(product);
}

/** Multiplies the lowest `length` limbs by a factor of 32 bits; gives their new number. */
function multiplyInPlace(limbs: Natural, length: i32, factor: u64): i32 {
  spend(length);
  let carry: u64 = 0;
  for (let i = 0; i < length; i++) {
    carry += <u64>unchecked(limbs[i]) * factor;
    unchecked((limbs[i] = <u32>carry));
    carry >>= 32;
  }
  if (carry == 0) return length;
  limbs[length] = <u32>carry;
  return length + 1;
}

/** The whole part of the square root, by Newton's method from above. */
export function squareRoot(a: Natural): Natural {
  if (a.length == 0) return ZERO;
  let root = shiftLeft(ONE, (bitLength(a) + 1) >> 1);
  while (!hasFailed()) {
    const next = shiftRight(add(root, divide(a, root)), 1);
    if (compare(next, root) >= 0) break;
    root = next;
  }
  return root;
}

/** Lehmer's algorithm: most steps are done on the top 60 bits alone. */
export function greatestCommonDivisor(first: Natural, second: Natural): Natural {
  let a = first;
  let b = second;
  if (compare(a, b) < 0) {
    a = second;
    b = first;
  }
  while (b.length > 0 && !hasFailed()) {
    if (isOne(b)) return b;
    const shift = bitLength(a) - 60;
    const step =
      shift > 0 ? lehmerStep(lowU64(shiftRight(a, shift)), lowU64(shiftRight(b, shift))) : null;
    if (step === null) {
      const rest = divideWithRest(a, b).remainder;
      a = b;
      b = rest;
      continue;
    }
    const next = step.isOdd ? combine(b, step.a, a, step.b) : combine(a, step.a, b, step.b);
    b = step.isOdd ? combine(a, step.d, b, step.c) : combine(b, step.d, a, step.c);
    a = next;
  }
  return a;
}

class LehmerStep {
  constructor(
    public a: i64,
    public b: i64,
    public c: i64,
    public d: i64,
    public isOdd: bool,
  ) {}
}

function lehmerStep(topA: u64, topB: u64): LehmerStep | null {
  let x = <i64>topA;
  let y = <i64>topB;
  let a: i64 = 1;
  let b: i64 = 0;
  let c: i64 = 0;
  let d: i64 = 1;
  let steps = 0;
  while (y != c) {
    const quotient = (x + (a - 1)) / (y - c);
    const nextC = b + quotient * d;
    const nextY = x - quotient * y;
    if (nextC > nextY) break;
    x = y;
    y = nextY;
    const nextD = a + quotient * c;
    a = d;
    b = c;
    c = nextC;
    d = nextD;
    steps++;
  }
  return steps == 0 ? null : new LehmerStep(a, b, c, d, (steps & 1) == 1);
}

/** `p * x - q * y`, which is not negative. */
function combine(p: Natural, x: i64, q: Natural, y: i64): Natural {
  const length = max(p.length, q.length);
  spend(length * 2);
  const result = new StaticArray<u32>(length);
  let carry: i64 = 0;
  for (let i = 0; i < length; i++) {
    if (i < p.length) carry += x * <i64>unchecked(p[i]);
    if (i < q.length) carry -= y * <i64>unchecked(q[i]);
    unchecked((result[i] = <u32>carry));
    carry >>= 32;
  }
  return trimmed(result);
}

function lowU64(a: Natural): u64 {
  if (a.length == 0) return 0;
  const high = a.length > 1 ? <u64>unchecked(a[1]) : 0;
  return (high << 32) | <u64>unchecked(a[0]);
}

/** Digits only; "" reads as zero. */
export function parseDecimal(digits: string): Natural {
  const limbs = new StaticArray<u32>(digits.length / 9 + 2);
  spend(<u64>limbs.length * <u64>limbs.length);
  if (hasFailed()) return ZERO;
  let used = 0;
  for (let start = 0; start < digits.length; ) {
    const end = min(start + 9, digits.length);
    let carry: u64 = 0;
    let factor: u64 = 1;
    for (; start < end; start++) {
      carry = carry * 10 + (digits.charCodeAt(start) - 48);
      factor *= 10;
    }
    for (let i = 0; i < used; i++) {
      carry += <u64>unchecked(limbs[i]) * factor;
      unchecked((limbs[i] = <u32>carry));
      carry >>= 32;
    }
    if (carry > 0) limbs[used++] = <u32>carry;
  }
  return trimmed(limbs);
}

export function toDecimal(a: Natural): string {
  if (a.length == 0) return "0";
  spend(<u64>a.length * <u64>a.length * 2);
  if (hasFailed()) return "";
  const rest = a.slice<StaticArray<u32>>(0);
  const groups = new Array<string>();
  let length = a.length;
  while (length > 0) {
    const group = divideInto(rest, rest, length, BASE_1E9).toString();
    while (length > 0 && unchecked(rest[length - 1]) == 0) length--;
    groups.push(length > 0 ? group.padStart(9, "0") : group);
  }
  return groups.reverse().join("");
}

function trimmed(limbs: StaticArray<u32>): Natural {
  let length = limbs.length;
  while (length > 0 && unchecked(limbs[length - 1]) == 0) length--;
  return length == limbs.length ? limbs : limbs.slice<StaticArray<u32>>(0, length);
}
