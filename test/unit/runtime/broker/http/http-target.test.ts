import { describe, test } from "vitest";
import { HttpRefusal } from "../../../../../runtime/broker/http/http-refusal.ts";
import { parseTarget } from "../../../../../runtime/broker/http/http-target.ts";

describe("parseTarget()", () => {
  test("takes a URL apart once, without its fragment", ({ expect }) => {
    expect(parseTarget("HTTPS://API.Example.com/v1/../v2?a=%20b#part")).toEqual({
      href: "https://api.example.com/v2?a=%20b",
      origin: "https://api.example.com",
      scheme: "https",
      host: "api.example.com",
      port: 443,
      path: "/v2",
      query: "?a=%20b",
    });
    expect(parseTarget("http://example.com:8080")).toMatchObject({ port: 8080, path: "/" });
    expect(parseTarget("http://example.com:443")).toMatchObject({ port: 443, scheme: "http" });
  });

  // Each is one more spelling of an address; the check of addresses sees what is meant.
  test.for([
    ["http://2130706433/", "127.0.0.1"],
    ["http://0x7f000001/", "127.0.0.1"],
    ["http://0x7f.1/", "127.0.0.1"],
    ["http://017700000001/", "127.0.0.1"],
    ["http://0177.0.0.01/", "127.0.0.1"],
    ["http://127.1/", "127.0.0.1"],
    ["http://127.0.1/", "127.0.0.1"],
    ["http://0/", "0.0.0.0"],
    ["http://%31%32%37.0.0.1/", "127.0.0.1"],
    ["http://\u{FF11}\u{FF12}\u{FF17}.0.0.1/", "127.0.0.1"],
    ["http://\u2460\u2461\u2466.\u24EA.\u24EA.\u2460/", "127.0.0.1"],
    ["http://127\u30020\u30020\u30021/", "127.0.0.1"],
    ["http://127.0.0.1./", "127.0.0.1"],
    ["http://[::ffff:127.0.0.1]/", "[::ffff:7f00:1]"],
    ["http://[0:0:0:0:0:0:0:1]/", "[::1]"],
    ["http://2852039166/", "169.254.169.254"],
    ["http:\\\\127.0.0.1\\", "127.0.0.1"],
    ["http:127.0.0.1", "127.0.0.1"],
    ["http://ex\u00ADample.com/", "example.com"],
    ["http://LOCALHOST/", "localhost"],
  ] as const)("reads the host of %j as %s", ([text, host], { expect }) => {
    expect(parseTarget(text)).toMatchObject({ host });
  });

  test.for([
    ["", "an absolute http or https URL"],
    ["example.com", "an absolute http or https URL"],
    ["//example.com/", "an absolute http or https URL"],
    ["/etc/passwd", "an absolute http or https URL"],
    ["http://", "an absolute http or https URL"],
    ["http://256.0.0.1/", "an absolute http or https URL"],
    ["http://1.2.3.4.5/", "an absolute http or https URL"],
    ["http://0x1ffffffff/", "an absolute http or https URL"],
    ["http://a:99999/", "an absolute http or https URL"],
    ["http://[fe80::1%25eth0]/", "an absolute http or https URL"],
    ["http://exa mple.com/", "an absolute http or https URL"],
    ["file:///etc/passwd", "expected http: or https:"],
    ["ftp://example.com/", "expected http: or https:"],
    ["gopher://127.0.0.1:6379/_x", "expected http: or https:"],
    ["data:text/plain,a", "expected http: or https:"],
    ["javascript:1", "expected http: or https:"],
    ["ws://example.com/", "expected http: or https:"],
    ["blob:https://example.com/1", "expected http: or https:"],
    ["http://user@example.com/", "no user name"],
    ["http://:word@example.com/", "no user name"],
    ["https://api.example.com@evil.test/", "no user name"],
    ["https://api.example.com:443@evil.test/", "no user name"],
    ["http://localhost./", "without a last dot"],
    ["http://api.example.com./", "without a last dot"],
    ["http://api.example.com%2e/", "without a last dot"],
    ["http://api.example.com\u3002/", "without a last dot"],
    ["http://evil.test\0.example.com/", "no control characters"],
    ["http://exa\tmple.com/", "no control characters"],
    ["http://example.com/\r\nX: y", "no control characters"],
    ["\u0001http://example.com/", "no control characters"],
    ["http://example.com/\u007F", "no control characters"],
    ["http://example.com/\u0085", "no control characters"],
    ["http://example.com/\uD800", "no half characters"],
    [`http://example.com/${"a".repeat(8_192)}`, "expected 8192"],
  ] as const)("refuses %j", ([text, expected], { expect }) => {
    expect(() => parseTarget(text)).toThrow(HttpRefusal);
    expect(() => parseTarget(text)).toThrow(expected);
  });

  test("reads a redirect against where it came from, as strictly", ({ expect }) => {
    const base = parseTarget("https://example.com/a/b?c");
    expect(parseTarget("../d", base).href).toBe("https://example.com/d");
    expect(parseTarget("//other.test", base).href).toBe("https://other.test/");
    expect(() => parseTarget("//user@other.test", base)).toThrow("no user name");
    expect(() => parseTarget("file:///etc/passwd", base)).toThrow("expected http: or https:");
    expect(() => parseTarget("/a\nb", base)).toThrow("no control characters");
  });
});
