import { describe, test } from "vitest";
import { type Block, renderBlocks } from "../../../../src/presentation/web/markdown.ts";
import { createRandom } from "../../../support/seeded-random.ts";

const toHtml = (text: string) =>
  renderBlocks(text)
    .map(({ html }) => html)
    .join("");

const RICH = `# Title

A paragraph with **bold**, \`code\` and [a link](https://example.org "hi").

- one
- two
  - nested

    loose

1. first

   \`\`\`js
   let x = "<b>";
   \`\`\`
2. second

| a | b |
|---|--:|
| 1 | 2 |

> quoted
continued

Setext
------

\`\`\`ts
const unfinished = \`\${1}\`;

const after = "a blank line";
\`\`\`

[defined later][later] and ~~gone~~

- [x] done
- [ ] open

<details open onclick="alert(1)">raw</details>

[later]: https://example.org/later
`;

describe("renderBlocks()", () => {
  test("gives the same HTML in one piece as grown by any steps", ({ expect }) => {
    const whole = renderBlocks(RICH, [], true);
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = createRandom(seed);
      let blocks: readonly Block[] = [];
      for (let end = 0; end < RICH.length; ) {
        end = Math.min(RICH.length, end + 1 + Math.floor(random() * 40));
        blocks = renderBlocks(RICH.slice(0, end), blocks, end === RICH.length);
      }
      expect(blocks, `seed ${seed}`).toEqual(whole);
    }
  });

  test("shows while it grows what it would show in one piece", ({ expect }) => {
    const source = RICH.replace(/\[defined later\][^\n]*\n/u, "").replace(/\[later\]:.*\n/u, "");
    let blocks: readonly Block[] = [];
    for (let end = 1; end <= source.length; end += 1) {
      const text = source.slice(0, end);
      blocks = renderBlocks(text, blocks);
      const html = blocks.map((block) => block.html).join("");
      expect(html, JSON.stringify(text.slice(-40))).toBe(toHtml(text));
    }
  });

  test("hands out the same object for a block that did not change", ({ expect }) => {
    const before = renderBlocks("# One\n\nTwo\n\nThr");
    const after = renderBlocks("# One\n\nTwo\n\nThree", before);
    expect(after.slice(0, 4).every((block, index) => block === before[index])).toBe(true);
    expect(after[4]).not.toBe(before[4]);
    expect(renderBlocks("# One\n\nTwo\n\nThree", after, true)[4]).toBe(after[4]);
  });

  test("shows raw HTML as text", ({ expect }) => {
    for (const attack of [
      "<img src=x onerror=alert(1)>",
      "text <script>alert(1)</script>",
      "<svg><style><img src=x onerror=alert(1)></style></svg>",
      "`<b>`",
      "<!-- comment -->",
    ]) {
      expect(toHtml(attack)).not.toMatch(/<(?:img|script|svg|style|b|!)/u);
      expect(toHtml(attack)).toContain("&lt;");
    }
  });

  test("makes an image a link that shows its whole address", ({ expect }) => {
    expect(toHtml("![a chart](https://example.org/a.png?u=1&v=2)")).toBe(
      '<p><a href="https://example.org/a.png?u=1&amp;v=2" target="_blank" rel="noopener noreferrer">a chart (https://example.org/a.png?u=1&amp;v=2)</a></p>\n',
    );
  });

  test("links to the web and to mail only", ({ expect }) => {
    for (const address of [
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "data:text/html,<script>alert(1)</script>",
      "vbscript:x",
      "file:///etc/passwd",
      "/api/v1/logout",
      "//example.org",
    ]) {
      expect(toHtml(`[x](<${address}>)`), address).not.toContain("href");
      expect(toHtml(`![x](<${address}>)`), address).not.toContain("href");
    }
    expect(toHtml("[x](mailto:a@example.org)")).toContain('href="mailto:a@example.org"');
    expect(toHtml("https://example.org")).toContain('rel="noopener noreferrer"');
  });

  test("cannot be led out of an attribute", ({ expect }) => {
    const html = toHtml('[x](https://example.org/"onmouseover=alert(1) "\\" onclick=alert(1)")');
    expect(html).not.toMatch(/"\s*on/u);
    expect(toHtml('```"><script>\nx\n```')).not.toContain("<script");
  });
});
