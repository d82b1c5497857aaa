import { test } from "vitest";
import { canonicalJson } from "#domain/shared/canonical-json.ts";
import type { JsonValue } from "#domain/shared/json.ts";

test("canonicalJson() writes the example of RFC 8785 as the RFC does", ({ expect }) => {
  const value: JsonValue = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`);
  expect(canonicalJson(value)).toBe(
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test("canonicalJson() sorts names by their UTF-16 code units", ({ expect }) => {
  const names = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"];
  const text = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
  expect(Object.keys(JSON.parse(text) as object)).toEqual([
    "1",
    "\r",
    "\u0080",
    "\u00f6",
    "\u20ac",
    "\u{1f600}",
    "\ufb33",
  ]);
});

test("canonicalJson() refuses a number that is not finite", ({ expect }) => {
  expect(() => canonicalJson({ n: Number.NaN })).toThrow(/Cannot write NaN as JSON/u);
});
