import { readFile } from "node:fs/promises";
import { countTokens as countOld } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as countNew } from "gpt-tokenizer/encoding/o200k_base";
import { describe, test } from "vitest";
import { countCapitals, countForeign, countSmall } from "#domain/spend/token-pieces.ts";

const LETTERS = Array.from("abcdefghijklmnopqrstuvwxyz");

describe("the pieces of tokens", () => {
  test("hold of every word of three letters or less, behind a space or not", ({ expect }) => {
    const pairs = LETTERS.flatMap((one) => LETTERS.map((other) => one + other));
    const triples = pairs.flatMap((pair) => LETTERS.map((last) => pair + last));
    const under = [...LETTERS, ...pairs, ...triples].filter(
      (word) => countSmall(word, 0, word.length) < count(word),
    );
    expect(under).toEqual([]);
    const capitals = [...LETTERS, ...pairs].map((word) => word.toUpperCase());
    expect(capitals.filter((word) => countCapitals(word, 0, word.length) < count(word))).toEqual(
      [],
    );
  });

  test("hold of all words that are named there", async ({ expect }) => {
    const file = new URL("../../../src/domain/spend/token-pieces.ts", import.meta.url);
    const source = await readFile(file, "utf8");
    const lists = source.slice(source.indexOf("const LONGER"), source.indexOf("const SINGLE"));
    const words = new Set(lists.match(/(?<=^ .*)\b[a-z]{4,9}\b(?=[a-z ]*$)/gmu));
    expect(words.size).toBeGreaterThan(400);
    const under = [...words].filter(
      (word) => countSmall(word, 0, word.length) * 1.25 < count(word),
    );
    expect(under).toEqual([]);
  });

  test("hold of every code point of the first plane, and of some of each block beyond", ({
    expect,
  }) => {
    const under: string[] = [];
    for (let point = 0x80; point < 0x30000; point += point < 0x10000 ? 1 : 61) {
      const sign = String.fromCodePoint(point);
      const most = Math.max(countOld(sign), countNew(sign));
      if (countForeign(point) < most) under.push(point.toString(16));
    }
    expect(under).toEqual([]);
  });
});

function count(word: string): number {
  const texts = [word, ` ${word}`];
  return Math.max(...texts.flatMap((text) => [countOld(text), countNew(text)]));
}
