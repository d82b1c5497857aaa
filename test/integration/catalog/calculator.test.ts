import { describe, test } from "vitest";
import { textOf, useCatalogSkill } from "./catalog-skill.ts";
import { createRandom } from "./random.ts";

const calculator = useCatalogSkill("calculator");

async function evaluate(expression: string, digits?: number) {
  const input = digits === undefined ? { expression } : { expression, digits };
  const { result, exact } = await calculator.run("evaluate", input);
  return { result: textOf(result), exact };
}

describe("evaluate is exact", () => {
  const exactly: readonly (readonly [expression: string, result: string])[] = [
    ["2+2", "4"],
    ["0.1 + 0.2", "0.3"],
    ["1/3*3", "1"],
    ["1/8", "0.125"],
    ["10/4", "2.5"],
    ["-7 % 3", "2"],
    ["7 % -3", "-2"],
    ["5.5 % 2", "1.5"],
    ["-2^2", "-4"],
    ["(-2)^3", "-8"],
    ["2^3^2", "512"],
    ["2**10", "1024"],
    ["2^-2", "0.25"],
    ["0^0", "1"],
    ["5!", "120"],
    ["3!!", "720"],
    ["-3!", "-6"],
    ["--1", "1"],
    [".5 + 5.", "5.5"],
    ["1_000 * 1e-3", "1"],
    ["6.02E2", "602"],
    ["1e-30 + 1", "1.000000000000000000000000000001"],
    ["7 \u00d7 6 \u00f7 2 \u2212 1", "20"],
    ["sqrt(2.25)", "1.5"],
    ["8^(1/3)", "2"],
    ["(4/9)^1.5*27", "8"],
    ["abs(-3)", "3"],
    ["min(3, 1, 2)", "1"],
    ["max(3, 1, 2)", "3"],
    ["gcd(12, 18, 27)", "3"],
    ["lcm(4, 6)", "12"],
    ["floor(-0.5) + ceil(0.5) + trunc(-1.5)", "-1"],
    ["round(2.5)", "3"],
    ["round(-2.5)", "-3"],
    ["round(2.345, 2)", "2.35"],
    ["round(1234, -2)", "1200"],
    ["pow(2, 10)", "1024"],
    ["mod(10, 4)", "2"],
    ["log10(1000)", "3"],
    ["log2(1/8)", "-3"],
    ["exp(0) + ln(1)", "1"],
    ["floor(pi * 10^60)", "3141592653589793238462643383279502884197169399375105820974944"],
    ["0 * pi", "0"],
    ["SQRT(16)", "4"],
  ];
  test.for(exactly)("%s = %s", async ([expression, result], { expect }) => {
    expect(await evaluate(expression)).toEqual({ result, exact: true });
  });
});

describe("evaluate rounds honestly", () => {
  const nearly: readonly (readonly [expression: string, digits: number, result: string])[] = [
    ["1/3", 5, "0.33333"],
    ["2/3", 5, "0.66667"],
    ["-2/3", 3, "-0.667"],
    ["sqrt(2)", 30, "1.41421356237309504880168872421"],
    ["sqrt(2)^2", 50, "2"],
    ["pi", 50, "3.1415926535897932384626433832795028841971693993751"],
    ["e", 20, "2.7182818284590452354"],
    ["exp(1) - e + 1", 20, "1"],
    ["ln(2)", 30, "0.693147180559945309417232121458"],
    ["ln(1 + 1e-60)", 10, "1e-60"],
    ["log10(2)", 20, "0.30102999566398119521"],
    ["2^0.5", 10, "1.414213562"],
    ["exp(-50)", 10, "1.928749848e-22"],
    ["e^(pi*sqrt(163))", 32, "262537412640768743.99999999999925"],
    ["999999/1000000*2/3*3/2 + 1/3e20", 6, "0.999999"],
    ["2^1000/3", 5, "3.5717e+300"],
    ["1/7^300", 5, "2.9552e-254"],
    ["99999.96/3*3 + 1/3e9", 6, "100000"],
  ];
  test.for(nearly)("%s to %i digits is %s", async ([expression, digits, result], { expect }) => {
    expect(await evaluate(expression, digits)).toEqual({ result, exact: false });
  });

  test("a thousand digits of pi come out the same with more digits after them", async ({
    expect,
  }) => {
    const { result } = await evaluate("pi", 990);
    const { result: longer } = await evaluate("pi", 1_000);
    expect(result).toHaveLength(991);
    expect(longer.slice(0, 990)).toBe(result.slice(0, 990));
  });
});

describe("evaluate says what is wrong", () => {
  const faults: readonly (readonly [expression: string, message: string])[] = [
    ["1/0", "division by zero"],
    ["1 % 0", "division by zero"],
    ["0^-1", "division by zero"],
    ["2 + * 3", 'expected a number, a name or ( at position 5, found "*"'],
    ["(1 + 2", "expected ) at position 7, found the end"],
    ["2pi", 'expected an operator or the end at position 2, found "p"'],
    ["1 2", 'expected an operator or the end at position 3, found "2"'],
    ["1 + \u{1f600}", 'found "\u{1f600}"'],
    [".", "expected a number at position 1"],
    [" ", "found the end"],
    ["foo + 1", 'unknown name "foo" at position 1'],
    ["1 + foo(1)", "no function foo with 1 argument at position 5"],
    ["sqrt()", "no function sqrt with 0 arguments at position 1"],
    ["sqrt(-1)", "the square root of a negative number is not real"],
    ["(-8)^(1/3)", "a power of a negative number wants a whole exponent"],
    ["ln(0)", "the logarithm of a number that is not positive is not real"],
    ["2.5!", "a factorial wants a whole number that is not negative"],
    ["gcd(1.5)", "gcd wants whole numbers"],
    ["9^9^9^9", "too large"],
    ["10^10^10", "too large"],
    ["1e99999999", "too long"],
    ["100000!", "too large"],
    ["exp(1e9)", "too large"],
    ["exp(exp(exp(exp(9))))", "too large"],
    ["sqrt(2)^2 - 2", "the result cannot be settled to 50 digits"],
    ["1/(sqrt(2)^2 - 2)", "cannot be settled"],
    ["floor(sqrt(2)^2)", "a value cannot be told from a whole number"],
  ];
  test.for(faults)("%s: %s", async ([expression, message], { expect }) => {
    expect(await calculator.refuse("evaluate", { expression })).toContain(message);
  });
});

describe("evaluate stays within its limits", () => {
  // Its own limits have to hold it: a busy machine would come to those of the sandbox before.
  const patient = useCatalogSkill("calculator", { timeMs: 25_000 });
  const PLAIN = Array.from({ length: 1_000 }, () => "9999!").join("+");
  const heavy: Readonly<Record<string, string>> = {
    "nested parentheses": `${"(".repeat(5_000)}1`,
    "many signs": `${"-".repeat(5_000)}1`,
    "quotients of factorials": Array.from({ length: 800 }, () => "9999!").join("/"),
    "sums of factorials": PLAIN,
    "sums of long fractions": Array.from({ length: 99 }, (_, i) => `1/(2^9999+${2 * i + 1})`).join(
      "+",
    ),
    "a greatest common divisor of giants": `gcd(${Array.from({ length: 40 }, (_, i) => `3^${80_000 + i}+1`).join(", ")})`,
    "nested roots": `${"sqrt(2+".repeat(190)}3^80000${")".repeat(190)}-1e9`,
    "nested exponentials": `${"exp(1/".repeat(190)}3${")".repeat(190)}*0.1+7`,
  };
  test.for(Object.entries(heavy))("%s", async ([, expression], { expect }) => {
    const result = await patient.invoke("evaluate", { expression, digits: 1_000 });
    if (result.kind === "error") {
      expect(result.error.code).toBe("failed");
      expect(result.error.message).toMatch(/too (?:large|deeply|much work)|cannot be settled/u);
    }
    const plain = await patient.invoke("evaluate", { expression: PLAIN, digits: 1_000 });
    expect(result.usage.cpuMs / plain.usage.cpuMs).toBeLessThan(8);
  });
});

test("evaluate agrees with BigInt on random whole numbers", async ({ expect }) => {
  const random = createRandom(42);
  for (let round = 0; round < 60; round += 1) {
    const a = random.bigint(random.below(2_000) + 1);
    const b = random.bigint(random.below(1_200) + 1);
    const c = random.bigint(random.below(300) + 1) + 1n;
    const quotient = (x: bigint, y: bigint) =>
      x / y - (x % y !== 0n && x < 0n !== y < 0n ? 1n : 0n);
    const rest = (x: bigint, y: bigint) => x - y * quotient(x, y);
    const cases: readonly (readonly [string, bigint])[] = [
      [`(${a}) + (${b})`, a + b],
      [`(${a}) - (${b})`, a - b],
      [`(${a}) * (${b})`, a * b],
      [`((${a}) * (${b})) / (${c})*(${c}) - (${a})`, a * b - a],
      [`floor((${a}) / (${c}))`, quotient(a, c)],
      [`(${a}) % (${c})`, rest(a, c)],
      [`gcd(${a}, ${b})`, greatestCommonDivisor(a, b)],
      [`gcd((${a})*(${c}), (${b})*(${c}))`, greatestCommonDivisor(a * c, b * c)],
    ];
    for (const [expression, expected] of cases) {
      expect(await evaluate(expression), expression).toEqual({
        result: `${expected}`,
        exact: true,
      });
    }
  }
});

test("evaluate agrees with BigInt on random decimals, written in full", async ({ expect }) => {
  const random = createRandom(7);
  for (let round = 0; round < 100; round += 1) {
    const places = random.below(40) + 1;
    const [a, b] = [random.bigint(200), random.bigint(100)];
    const [x, y] = [withPoint(a, places), withPoint(b, places)];
    expect((await evaluate(`(${x}) + (${y})`)).result).toBe(withPoint(a + b, places));
    expect((await evaluate(`(${x}) * (${y})`)).result).toBe(withPoint(a * b, 2 * places));
  }
});

test("evaluate rounds random quotients as long division does", async ({ expect }) => {
  const random = createRandom(99);
  for (let round = 0; round < 100; round += 1) {
    const a = random.bigint(300) ** 2n + 1n;
    const b = random.bigint(random.below(300) + 2) ** 2n * 3n + 1n;
    const { result, exact } = await evaluate(`(${a}) / (${b})`, 20);
    if (exact) continue;
    const [mantissa = "", exponent = "0"] = result.split("e");
    const decimals = mantissa.split(".")[1]?.length ?? 0;
    const scale = Number(exponent) - decimals;
    const shown = BigInt(mantissa.replace(".", ""));
    const [over, under] =
      scale < 0 ? [a * 10n ** BigInt(-scale), b] : [a, b * 10n ** BigInt(scale)];
    const error = 2n * (over - shown * under);
    const ulps = 10n ** BigInt(Math.max(0, mantissa.replace(/^0\.0*|\./gu, "").length - 20));
    expect(error <= under * ulps && -error <= under * ulps, `${a}/${b} = ${result}`).toBe(true);
  }
});

test("evaluate gives large powers and factorials in full", async ({ expect }) => {
  let factorial = 1n;
  for (let n = 1n; n <= 1_000n; n += 1n) factorial *= n;
  expect((await evaluate("1000!")).result).toBe(`${factorial}`);
  expect((await evaluate("2^10000")).result).toBe(`${2n ** 10_000n}`);
  expect((await evaluate("3^20000")).result).toBe(`${3n ** 20_000n}`);
});

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function withPoint(value: bigint, places: number): string {
  const digits = `${value < 0n ? -value : value}`.padStart(places + 1, "0");
  const fraction = digits.slice(-places).replace(/0+$/u, "");
  const text = digits.slice(0, -places) + (fraction === "" ? "" : `.${fraction}`);
  return value < 0n ? `-${text}` : text;
}
