import { describe, test } from "vitest";
import { withoutParameters, withParameters } from "../../../../../runtime/broker/http/url-query.ts";

const KEY = new Map([["key", "a b&c"]]);

describe("withoutParameters()", () => {
  test.for([
    ["", ""],
    ["?a=1", "?a=1"],
    ["?key=1", ""],
    ["?a=%20&key=1&flag&b=+", "?a=%20&flag&b=+"],
    ["?k%65y=1&a", "?a"],
    ["?key&keys=2&xkey=3", "?keys=2&xkey=3"],
    ["?key=1&key=2", ""],
  ] as const)("makes %j %j", ([query, without], { expect }) => {
    expect(withoutParameters(query, KEY)).toBe(without);
  });

  test("changes nothing where nothing is named", ({ expect }) => {
    expect(withoutParameters("?key=1", new Map())).toBe("?key=1");
  });
});

test("withParameters() adds at the end", ({ expect }) => {
  expect(withParameters("", KEY)).toBe("?key=a+b%26c");
  expect(withParameters("?a=%20", KEY)).toBe("?a=%20&key=a+b%26c");
  expect(withParameters("?a", new Map())).toBe("?a");
  expect(withParameters("", new Map())).toBe("");
});
