// The host has checked the input against the schema: an object of strings and numbers.

export class Input {
  expression: string = "";
  digits: i32 = 50;
}

export function parseInput(json: string): Input {
  const input = new Input();
  const reader = new Reader(json);
  reader.skipTo("{");
  while (reader.peek() == 34) {
    const key = reader.text();
    reader.skipTo(":");
    if (reader.peek() == 34) {
      const text = reader.text();
      if (key == "expression") input.expression = text;
    } else {
      const number = reader.number();
      if (key == "digits") input.digits = number;
    }
    if (reader.peek() == 44) reader.skipTo(",");
  }
  return input;
}

/** Writes a string as JSON. */
export function quoted(text: string): string {
  let json = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code == 34 || code == 92) json += "\\" + text.charAt(i);
    else if (code < 32) json += "\\u" + code.toString(16).padStart(4, "0");
    else json += text.charAt(i);
  }
  return json + '"';
}

class Reader {
  private at: i32 = 0;

  constructor(private json: string) {}

  peek(): i32 {
    while (this.at < this.json.length && this.json.charCodeAt(this.at) <= 32) this.at++;
    return this.at < this.json.length ? this.json.charCodeAt(this.at) : 0;
  }

  skipTo(token: string): void {
    const found = this.json.indexOf(token, this.at);
    this.at = found < 0 ? this.json.length : found + 1;
  }

  /** Whole numbers only; digits of a fraction, as in 50.0, are passed over. */
  number(): i32 {
    this.peek();
    let value = 0;
    let isWhole = true;
    while (
      this.at < this.json.length &&
      this.json.charCodeAt(this.at) != 44 &&
      this.json.charCodeAt(this.at) != 125
    ) {
      const digit = this.json.charCodeAt(this.at++) - 48;
      if (digit < 0 || digit > 9) isWhole = false;
      else if (isWhole) value = value * 10 + digit;
    }
    return value;
  }

  text(): string {
    this.skipTo('"');
    let text = "";
    while (this.at < this.json.length) {
      const start = this.at;
      while (this.at < this.json.length && !isSpecial(this.json.charCodeAt(this.at))) this.at++;
      text += this.json.slice(start, this.at);
      if (this.json.charCodeAt(this.at++) != 92) break;
      text += this.escaped();
    }
    return text;
  }

  private escaped(): string {
    const kind = this.json.charAt(this.at++);
    if (kind == "n") return "\n";
    if (kind == "t") return "\t";
    if (kind == "r") return "\r";
    if (kind == "b") return "\b";
    if (kind == "f") return "\f";
    if (kind != "u") return kind;
    let code = 0;
    for (const end = this.at + 4; this.at < end; this.at++) {
      const digit = this.json.charCodeAt(this.at);
      code = code * 16 + (digit <= 57 ? digit - 48 : (digit | 32) - 87);
    }
    return String.fromCharCode(code);
  }
}

function isSpecial(code: i32): bool {
  return code == 34 || code == 92;
}
