import { describe, test } from "vitest";
import { dropUnseen, escapeUnseen } from "#domain/shared/unseen.ts";

const ALL = Array.from({ length: 0x110000 }, (_, code) => code);
/** Half of a surrogate pair is a character of its own only where the other half is missing. */
const allOf = (category: RegExp) => ALL.filter((code) => category.test(String.fromCodePoint(code)));
const kept = (codes: readonly number[]) =>
  codes.filter((code) => dropUnseen(`a${String.fromCodePoint(code)}b`) !== "ab");

describe("dropUnseen()", () => {
  test.for([
    ["control characters", /\p{Cc}/u, 65, ["\t", "\n"]],
    ["characters of form", /\p{Cf}/u, 150, []],
    ["halves of pairs", /\p{Cs}/u, 2_048, []],
    ["private characters", /\p{Co}/u, 137_468, []],
    ["ends of lines and paragraphs", /[\p{Zl}\p{Zp}]/u, 2, []],
    ["what may be ignored", /\p{Default_Ignorable_Code_Point}/u, 4_000, []],
    ["what is no character", /\p{Noncharacter_Code_Point}/u, 66, []],
  ] as const)("drops %s", ([, category, atLeast, but], { expect }) => {
    const codes = allOf(category);
    expect(codes.length).toBeGreaterThanOrEqual(atLeast);
    expect(kept(codes).map((code) => String.fromCodePoint(code))).toEqual(but);
  });

  test.for([
    ["letters", /\p{L}/u],
    ["marks", /\p{M}/u],
    ["numbers", /\p{N}/u],
    ["punctuation", /\p{P}/u],
    ["symbols", /\p{S}/u],
    ["spaces", /\p{Zs}/u],
  ] as const)("keeps %s, but those that show nothing", ([, category], { expect }) => {
    const codes = allOf(category);
    expect(codes.length).toBeGreaterThan(10);
    const ignorable = new Set(allOf(/\p{Default_Ignorable_Code_Point}/u));
    expect(kept(codes)).toEqual(codes.filter((code) => !ignorable.has(code)));
  });

  test.for([
    ["zero width", "pass\u200Bword", "password"],
    ["turned around", "\u202Egnp.exe\u2066", "gnp.exe"],
    ["tags", "hi\u{E0049}\u{E006E}\u{E007F}", "hi"],
    ["selectors of variants", "hi\u{FE00}\u{E0100}", "hi"],
    ["fillers", "\u115F\u3164\u00AD", ""],
    ["half a pair", "a\uD83D", "a"],
    ["what is seen", "naïve 日本語\n\t👩", "naïve 日本語\n\t👩"],
  ] as const)("%s", ([, text, rest], { expect }) => {
    expect(dropUnseen(text)).toBe(rest);
  });
});

test("escapeUnseen() shows each as it is, and JSON is the same JSON", ({ expect }) => {
  const value = { text: "pay \u202E\u{E0041}\u0085 é" };
  const json = escapeUnseen(JSON.stringify(value, null, 2));
  expect(json).toBe(`{\n  "text": "pay ${String.raw`\u202e\udb40\udc41\u0085`} é"\n}`);
  expect(JSON.parse(json)).toEqual(value);
});
