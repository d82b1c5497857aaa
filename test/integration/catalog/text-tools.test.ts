import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { describe, test } from "vitest";
import { textOf, useCatalogSkill } from "./catalog-skill.ts";
import { createRandom } from "./random.ts";

const textTools = useCatalogSkill("text-tools");

describe("count", () => {
  const texts: readonly (readonly [text: string, counts: object])[] = [
    ["", { characters: 0, words: 0, lines: 0, sentences: 0, bytes: 0 }],
    ["one", { characters: 3, words: 1, lines: 1, sentences: 1, bytes: 3 }],
    ["Hi. You there?\nYes!\n", { characters: 20, words: 4, lines: 2, sentences: 3, bytes: 20 }],
    [
      "e\u0301 \u{1f468}\u200d\u{1f469}\u200d\u{1f467}",
      { characters: 3, words: 1, lines: 1, sentences: 1, bytes: 22 },
    ],
    ["\u4f60\u597d\u4e16\u754c", { characters: 4, words: 2, lines: 1, sentences: 1, bytes: 12 }],
    ["\ud800", { characters: 1, words: 0, lines: 1, sentences: 0, bytes: 3 }],
  ];
  test.for(texts)("%j", async ([text, counts], { expect }) => {
    expect(await textTools.run("count", { text })).toEqual(counts);
  });
});

describe("diff", () => {
  test("writes the unified form", async ({ expect }) => {
    const before = "a\nb\nc\nd\ne\nf\ng\nh\n";
    const after = "a\nB\nc\nd\ne\nf\ng\nh\ni";
    expect(await textTools.run("diff", { before, after, context: 1 })).toEqual({
      equal: false,
      added: 2,
      removed: 1,
      minimal: true,
      unified: [
        "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
        "@@ -8 +8,2 @@\n h\n+i\n\\ No newline at end of file\n",
      ].join(""),
    });
  });

  test("finds nothing between equal texts, and everything against none", async ({ expect }) => {
    expect(await textTools.run("diff", { before: "a\nb", after: "a\nb" })).toEqual({
      equal: true,
      added: 0,
      removed: 0,
      minimal: true,
      unified: "",
    });
    const { unified } = await textTools.run("diff", { before: "", after: "a\n" });
    expect(unified).toBe("@@ -0,0 +1 @@\n+a\n");
  });

  test("leads from one text to the other, by the fewest lines", async ({ expect }) => {
    const random = createRandom(3);
    for (let round = 0; round < 60; round += 1) {
      const lines = () => Array.from({ length: random.below(30) }, () => `${random.below(4)}\n`);
      const [a, b] = [lines(), lines()];
      const input = { before: a.join(""), after: b.join(""), context: 100 };
      const { unified, added, removed } = await textTools.run("diff", input);
      const body = textOf(unified).split("\n").slice(1, -1);
      const side = (sign: string) =>
        body
          .filter((line) => line[0] === " " || line[0] === sign)
          .map((line) => `${line.slice(1)}\n`);
      if (unified !== "") expect([side("-"), side("+")]).toEqual([a, b]);
      else expect(a).toEqual(b);
      expect(Number(added) + Number(removed)).toBe(a.length + b.length - 2 * commonLength(a, b));
    }
  });

  test("says so when texts differ too much for the shortest way", async ({ expect }) => {
    const lines = (word: string) =>
      Array.from({ length: 4_000 }, (_, i) => `${word}${i}\n`).join("");
    const result = await textTools.run("diff", { before: lines("a"), after: lines("b") });
    expect(result).toMatchObject({ minimal: false, added: 4_000, removed: 4_000 });
  });
});

describe("slug", () => {
  const slugs: readonly (readonly [text: string, slug: string])[] = [
    ["Hello, World!", "hello-world"],
    ["  --A--b  ", "a-b"],
    ["\u00dcn\u00efc\u00f6d\u00e9 & Stra\u00dfe", "unicode-and-strasse"],
    ["\u0429\u0443\u043a\u0430 \u0451\u0436", "shchuka-yozh"],
    ["\u0393\u03b5\u03b9\u03ac \u03c3\u03bf\u03c5", "geia-soy"],
    ["it\u2019s", "its"],
    ["\u65e5\u672c", ""],
  ];
  test.for(slugs)("%s becomes %s", async ([text, slug], { expect }) => {
    expect(await textTools.run("slug", { text })).toEqual({ slug });
  });

  test("ends at a word, or in it where there is only one", async ({ expect }) => {
    expect(await textTools.run("slug", { text: "one two three", maxLength: 9 })).toEqual({
      slug: "one-two",
    });
    expect(await textTools.run("slug", { text: "one two", maxLength: 7 })).toEqual({
      slug: "one-two",
    });
    expect(await textTools.run("slug", { text: "abcdef", maxLength: 3 })).toEqual({ slug: "abc" });
  });
});

describe("hash", () => {
  const texts = [0, 1, 55, 56, 63, 64, 65, 1_000].map((length) =>
    "\u00e9x".repeat(length).slice(0, length),
  );
  test.for(["sha256", "sha1", "md5"])(
    "%s agrees with node:crypto",
    async (algorithm, { expect }) => {
      for (const text of [...texts, "\u{1f600} \u20ac \ud800"]) {
        const hex = createHash(algorithm).update(text).digest("hex");
        expect(await textTools.run("hash", { text, algorithm })).toEqual({ algorithm, hex });
      }
    },
  );

  test("crc32 agrees with node:zlib, and sha256 is the default", async ({ expect }) => {
    const hex = crc32("abc").toString(16);
    expect(await textTools.run("hash", { text: "abc", algorithm: "crc32" })).toMatchObject({ hex });
    expect(await textTools.run("hash", { text: "" })).toMatchObject({ algorithm: "sha256" });
  });
});

describe("case", () => {
  const styles: readonly (readonly [style: string, text: string])[] = [
    ["camel", "parseHttpResponse2xxFooBar"],
    ["pascal", "ParseHttpResponse2xxFooBar"],
    ["snake", "parse_http_response_2xx_foo_bar"],
    ["kebab", "parse-http-response-2xx-foo-bar"],
    ["constant", "PARSE_HTTP_RESPONSE_2XX_FOO_BAR"],
    ["title", "Parsehttpresponse 2xx Foo_Bar"],
    ["upper", "PARSEHTTPRESPONSE 2XX FOO_BAR"],
    ["lower", "parsehttpresponse 2xx foo_bar"],
  ];
  test.for(styles)("%s", async ([style, text], { expect }) => {
    const input = { text: "parseHTTPResponse 2xx foo_bar", style };
    expect(await textTools.run("case", input)).toEqual({ text });
  });
});

/** The length of the longest common subsequence, by the book. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = b.map(() => 0);
  for (const x of a) {
    const next: number[] = [];
    for (const [j, y] of b.entries()) {
      const diagonal = j === 0 ? 0 : (row[j - 1] ?? 0);
      next.push(x === y ? diagonal + 1 : Math.max(row[j] ?? 0, next[j - 1] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
