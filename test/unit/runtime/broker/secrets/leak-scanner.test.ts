import { describe, test } from "vitest";
import { createLeakScanner } from "../../../../../runtime/broker/secrets/leak-scanner.ts";

const VALUE = 'sk-Live/9+a"b c&d%41\\z';
const TOKEN = "ghp_0123456789abcdefABCDEF";
const scanner = createLeakScanner(
  new Map([
    ["VALUE", VALUE],
    ["TOKEN", TOKEN],
  ]),
);

const everyByte = (text: string, write: (byte: string) => string) =>
  Buffer.from(text).toString("hex").replaceAll(/../gu, write);

const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  reversed: (text) => Buffer.from(text).reverse().toString(),
  hex: (text) => Buffer.from(text).toString("hex"),
  "upper hex": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  base64: (text) => Buffer.from(text).toString("base64"),
  "base64 at 1": (text) => Buffer.from(`:${text}`).toString("base64"),
  "base64 at 2": (text) => Buffer.from(`::${text}`).toString("base64"),
  "base64 amid": (text) => Buffer.from(`user:${text}, and more`).toString("base64"),
  base64url: (text) => Buffer.from(text).toString("base64url"),
  "base64url at 1": (text) => Buffer.from(`:${text}`).toString("base64url"),
  "base64url at 2": (text) => Buffer.from(`::${text}`).toString("base64url"),
  "percent-encoded": encodeURIComponent,
  "percent-encoded URI": encodeURI,
  form: (text) => new URLSearchParams({ text }).toString(),
  "all percent-encoded": (text) => everyByte(text, (byte) => `%${byte}`),
  "all percent-encoded in upper case": (text) =>
    everyByte(text, (byte) => `%${byte.toUpperCase()}`),
  JSON: (text) => JSON.stringify({ text }),
  "JSON with slashes": (text) => JSON.stringify({ text }).replaceAll("/", "\\/"),
  "all in JSON escapes": (text) => everyByte(text, (byte) => `\\u00${byte}`),
  "all in byte escapes": (text) => everyByte(text, (byte) => `\\x${byte}`),
  "percent-encoded base64": (text) => encodeURIComponent(Buffer.from(text).toString("base64")),
};

describe("LeakScanner", () => {
  for (const [name, encode] of Object.entries(ENCODINGS)) {
    test(`find() finds a value ${name}`, ({ expect }) => {
      for (const [secret, value] of [
        ["VALUE", VALUE],
        ["TOKEN", TOKEN],
      ] as const) {
        const leak = encode(value);
        expect(scanner.find(leak)).toBe(secret);
        expect(scanner.find(`${"x".repeat(100_001)}${leak}`)).toBe(secret);
        expect(scanner.find(Buffer.from(`\u{E9}\0\xFF${leak}\n${"y".repeat(99)}`))).toBe(secret);
      }
    });
  }

  test("find() finds a value in HTML", ({ expect }) => {
    const html = VALUE.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
    expect(scanner.find(`<p>${html}</p>`)).toBe("VALUE");
  });

  test("find() finds a value behind bytes that begin like it", ({ expect }) => {
    expect(scanner.find(`ghp_0123${TOKEN}`)).toBe("TOKEN");
    expect(scanner.find(`gggg${TOKEN}`)).toBe("TOKEN");
  });

  test("find() finds nothing in parts, neighbours and ordinary text", ({ expect }) => {
    for (const text of [
      "",
      "g",
      "gh",
      TOKEN.slice(0, -1),
      TOKEN.slice(1),
      TOKEN.toLowerCase(),
      Buffer.from(TOKEN.slice(0, -3)).toString("base64"),
      "100% of it, \\ and %zz, \\u12",
      Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 251)).toString("base64"),
    ]) {
      expect(scanner.find(text), text.slice(0, 50)).toBeUndefined();
    }
  });

  test("find() looks at its bytes only, where they are a part of more", ({ expect }) => {
    const whole = Buffer.from(`${TOKEN} is not in here`);
    expect(scanner.find(new Uint8Array(whole).subarray(1))).toBeUndefined();
    expect(scanner.find(new Uint8Array(whole).subarray(0, TOKEN.length))).toBe("TOKEN");
  });

  test("find() finds nothing where there are no secrets", ({ expect }) => {
    expect(createLeakScanner(new Map()).find(`a ${TOKEN}`)).toBeUndefined();
  });
});
