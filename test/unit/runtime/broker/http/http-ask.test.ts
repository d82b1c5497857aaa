import { describe, test } from "vitest";
import { parseHttpAsk } from "../../../../../runtime/broker/http/http-ask.ts";

const NONE = Buffer.alloc(0);
const url = "https://example.com/";

describe("parseHttpAsk()", () => {
  test("fills in what a guest leaves out", ({ expect }) => {
    expect(parseHttpAsk({ url }, NONE)).toMatchObject({
      target: { href: url },
      method: "GET",
      headers: {},
      secrets: [],
    });
  });

  test("takes a method in lower case and names a secret once", ({ expect }) => {
    const ask = parseHttpAsk({ url, method: "post", secrets: ["A", "B", "A"] }, Buffer.from("x"));
    expect(ask).toMatchObject({ method: "POST", secrets: ["A", "B"] });
  });

  test.for([
    [null, "the arguments"],
    [[], "the arguments"],
    ["https://example.com", "the arguments"],
    [{}, "url"],
    [{ url: 1 }, "url"],
    [{ url, method: "CONNECT" }, "method"],
    [{ url, method: "TRACE" }, "method"],
    [{ url, method: "GET / HTTP/1.1\r\nHost: x" }, "method"],
    [{ url, headers: { a: 1 } }, "headers.a"],
    [{ url, headers: [["a", "b"]] }, "headers"],
    [{ url, secrets: "A" }, "secrets"],
    [{ url, secrets: Array.from({ length: 9 }, (_, index) => `S${index}`) }, "secrets"],
    [{ url, redirect: "follow" }, "redirect"],
  ] as const)("refuses %j", ([args, expected], { expect }) => {
    expect(() => parseHttpAsk(args, NONE)).toThrow(expected);
  });

  test("refuses a body where there is none by nature", ({ expect }) => {
    for (const method of ["GET", "HEAD"]) {
      expect(() => parseHttpAsk({ url, method }, Buffer.from("x"))).toThrow("Cannot send a body");
    }
  });
});
