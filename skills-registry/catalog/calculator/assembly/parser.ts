import { fail, hasFailed } from "./failure";
import { e, exp, factorial, gcd, lcm, ln, logarithm, pi, pow, sqrt } from "./functions";
import { parseDecimal, toSmall } from "./natural";
import {
  add,
  ceil,
  compare,
  divide,
  floor,
  modulo,
  multiply,
  negate,
  powerOfTen,
  round,
  small,
  subtract,
  Value,
  wholeOf,
} from "./value";

const MAX_DEPTH: i32 = 200;
/** Decimals that `round` takes, either way of the point. */
const MAX_ROUND: i64 = 10_000;
/** What a number's exponent may be, as in 1e30000. */
const MAX_EXPONENT: i32 = 39_000;

/** Reads an expression and computes it on the way, by precedence climbing. */
export class Parser {
  private at: i32 = 0;
  private depth: i32 = 0;

  constructor(private text: string) {}

  evaluate(): Value {
    const value = this.sum();
    if (!hasFailed() && this.peek() != 0) this.failAt("an operator or the end");
    return value;
  }

  private sum(): Value {
    let value = this.product();
    while (!hasFailed()) {
      if (this.take("+")) value = add(value, this.product());
      else if (this.take("-") || this.take("\u2212")) value = subtract(value, this.product());
      else break;
    }
    return value;
  }

  private product(): Value {
    let value = this.signed();
    while (!hasFailed()) {
      if (this.take("*") || this.take("\u00d7") || this.take("\u00b7")) {
        value = multiply(value, this.signed());
      } else if (this.take("/") || this.take("\u00f7")) {
        value = divide(value, this.signed());
      } else if (this.take("%")) {
        value = modulo(value, this.signed());
      } else break;
    }
    return value;
  }

  /** A sign binds looser than a power: -2^2 is -4. */
  private signed(): Value {
    if (!this.enter()) return small(0);
    let value: Value;
    if (this.take("-") || this.take("\u2212")) value = negate(this.signed());
    else if (this.take("+")) value = this.signed();
    else value = this.power();
    this.depth--;
    return value;
  }

  private power(): Value {
    const base = this.postfix();
    if (hasFailed() || !(this.take("^") || this.take("**"))) return base;
    return pow(base, this.signed());
  }

  private postfix(): Value {
    let value = this.primary();
    while (!hasFailed() && this.take("!")) value = factorial(value);
    return value;
  }

  private primary(): Value {
    const next = this.peek();
    if (isDigit(next) || next == 46) return this.number();
    if (isLetter(next)) return this.named();
    if (this.take("(")) {
      const value = this.sum();
      this.expect(")");
      return value;
    }
    this.failAt("a number, a name or (");
    return small(0);
  }

  private number(): Value {
    const start = this.at;
    const whole = this.digits();
    const fraction = this.current() == 46 && ++this.at > 0 ? this.digits() : "";
    if (whole.length + fraction.length == 0) {
      this.at = start;
      this.failAt("a number");
      return small(0);
    }
    const value = wholeOf(parseDecimal(whole + fraction));
    const exponent = this.exponent() - fraction.length;
    if (abs(exponent) > MAX_EXPONENT) {
      fail("a number is too long");
      return small(0);
    }
    return exponent == 0 ? value : multiply(value, powerOfTen(exponent));
  }

  /** Digits, which may be grouped by "_". */
  private digits(): string {
    const start = this.at;
    while (isDigit(this.current()) || (this.current() == 95 && this.at > start)) this.at++;
    return this.text.slice(start, this.at).replaceAll("_", "");
  }

  private exponent(): i32 {
    const start = this.at;
    if ((this.current() | 32) != 101) return 0;
    this.at++;
    const isNegative = this.current() == 45;
    if (isNegative || this.current() == 43) this.at++;
    const digits = this.digits();
    if (digits.length == 0) {
      this.at = start;
      return 0;
    }
    const exponent = digits.length > 6 ? 1_000_000 : <i32>toSmall(parseDecimal(digits));
    return isNegative ? -exponent : exponent;
  }

  private named(): Value {
    this.peek();
    const start = this.at;
    while (isLetter(this.current()) || isDigit(this.current())) this.at++;
    const written = this.text.slice(start, this.at);
    const name = written.toLowerCase();
    if (name == "pi" || name == "\u03c0") return pi();
    if (name == "e") return e();
    if (!this.take("(")) {
      fail(`unknown name "${written}" at position ${start + 1}`);
      return small(0);
    }
    const args = this.args();
    return hasFailed() ? small(0) : this.call(name, args, start);
  }

  private args(): Value[] {
    const args = new Array<Value>();
    if (this.take(")")) return args;
    do {
      args.push(this.sum());
    } while (!hasFailed() && this.take(","));
    this.expect(")");
    return args;
  }

  private call(name: string, args: Value[], start: i32): Value {
    const count = args.length;
    if (count >= 1) {
      if (name == "min") return this.least(args, 1);
      if (name == "max") return this.least(args, -1);
      if (name == "gcd") return this.fold(args, (a, b) => gcd(a, b));
      if (name == "lcm") return this.fold(args, (a, b) => lcm(a, b));
    }
    if (count == 2) {
      if (name == "pow") return pow(args[0], args[1]);
      if (name == "mod") return modulo(args[0], args[1]);
      if (name == "round") return this.roundTo(args[0], args[1]);
    }
    if (count == 1) {
      const a = args[0];
      if (name == "sqrt") return sqrt(a);
      if (name == "abs") return a.isNegative ? negate(a) : a;
      if (name == "floor") return floor(a);
      if (name == "ceil") return ceil(a);
      if (name == "trunc") return a.isNegative ? ceil(a) : floor(a);
      if (name == "round") return round(a, 0);
      if (name == "exp") return exp(a);
      if (name == "ln") return ln(a);
      if (name == "log10") return logarithm(a, 10);
      if (name == "log2") return logarithm(a, 2);
    }
    fail(
      `no function ${name} with ${count} argument${count == 1 ? "" : "s"} at position ${start + 1}`,
    );
    return small(0);
  }

  /** Begins with the first one twice, so that a single argument is checked as well. */
  private fold(args: Value[], join: (a: Value, b: Value) => Value): Value {
    let joined = args[0];
    for (let i = 0; i < args.length; i++) joined = join(joined, args[i]);
    return joined;
  }

  private least(args: Value[], sign: i32): Value {
    let least = args[0];
    for (let i = 1; i < args.length; i++) {
      if (compare(args[i], least) * sign < 0) least = args[i];
    }
    return least;
  }

  private roundTo(value: Value, digits: Value): Value {
    const count = toSmall(digits.numerator);
    if (digits.isWhole && count >= 0 && count <= MAX_ROUND) {
      return round(value, digits.isNegative ? -(<i32>count) : <i32>count);
    }
    fail("round wants a whole number of decimals, at most 10000");
    return small(0);
  }

  private enter(): bool {
    if (hasFailed()) return false;
    if (++this.depth <= MAX_DEPTH) return true;
    fail("it is nested too deeply");
    return false;
  }

  private take(token: string): bool {
    this.peek();
    if (!this.text.startsWith(token, this.at)) return false;
    if (token == "*" && this.text.startsWith("**", this.at)) return false;
    this.at += token.length;
    return true;
  }

  private expect(token: string): void {
    if (!hasFailed() && !this.take(token)) this.failAt(token);
  }

  private failAt(expected: string): void {
    const found =
      this.peek() == 0
        ? "the end"
        : `"${this.text.slice(this.at, this.at + wide(this.current()))}"`;
    fail(`expected ${expected} at position ${this.at + 1}, found ${found}`);
  }

  /** The next character that is no space; 0 at the end. */
  private peek(): i32 {
    while (
      this.current() == 32 ||
      (this.current() >= 9 && this.current() <= 13) ||
      this.current() == 160
    )
      this.at++;
    return this.current();
  }

  private current(): i32 {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : 0;
  }
}

function isDigit(code: i32): bool {
  return code >= 48 && code <= 57;
}

function isLetter(code: i32): bool {
  return ((code | 32) >= 97 && (code | 32) <= 122) || code == 0x3c0;
}

function wide(code: i32): i32 {
  return code >= 0xd800 && code < 0xdc00 ? 2 : 1;
}
