import { describe, test } from "vitest";
import { parseGuestHeaders } from "../../../../../runtime/broker/http/guest-headers.ts";

describe("parseGuestHeaders()", () => {
  test("gives the headers with lower-case names", ({ expect }) => {
    expect(parseGuestHeaders({ Accept: "text/html", "X-A": "", cookie: "a=b" })).toEqual({
      accept: "text/html",
      "x-a": "",
      cookie: "a=b",
    });
  });

  test.for([
    "Host",
    "hOST",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "Transfer-Encoding",
    "content-length",
    "upgrade",
    "http2-settings",
    "te",
    "trailer",
    "expect",
    "proxy-authorization",
    "Proxy-Connection",
    "__proto__",
  ])("refuses the header %s", (name, { expect }) => {
    const headers = Object.fromEntries([[name, "x"]]);
    expect(() => parseGuestHeaders(headers)).toThrow("it is not the skill's to set");
  });

  test.for(["", "a b", "a:", "host ", " host", "a\r\nhost", "a\0", "h\u00F6st", "a(b"])(
    "refuses the name %j",
    (name, { expect }) => {
      expect(() => parseGuestHeaders({ [name]: "x" })).toThrow("expected a header's name");
    },
  );

  test.for(["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\u007F", "\u0100", "\u{1F600}"])(
    "refuses the value %j",
    (value, { expect }) => {
      expect(() => parseGuestHeaders({ "x-a": value })).toThrow("Latin-1 text in one line");
    },
  );

  test("refuses one header in two spellings", ({ expect }) => {
    expect(() => parseGuestHeaders({ Accept: "a", accept: "b" })).toThrow("twice");
  });

  test("refuses too many headers and too large ones", ({ expect }) => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "a"]));
    expect(Object.keys(parseGuestHeaders(many(64)))).toHaveLength(64);
    expect(() => parseGuestHeaders(many(65))).toThrow("Cannot send 65 headers");
    expect(() => parseGuestHeaders({ a: "b".repeat(16_380) })).toThrow("16385 bytes of headers");
  });
});
