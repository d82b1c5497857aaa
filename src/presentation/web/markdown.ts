import { Marked, type Token } from "marked";

/** One block of a text (a paragraph, a list, a table): its source and its HTML. */
export interface Block {
  readonly source: string;
  readonly html: string;
}

const LINK = /^(?:https?:\/\/|mailto:)/iu;

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escapeHtml(text),
    link({ href, title, tokens }) {
      return linkTo(href, this.parser.parseInline(tokens), title);
    },
    image: ({ href, text }) => linkTo(href, escapeHtml(text ? `${text} (${href})` : href)),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    code: ({ text, lang }) => {
      const language = /^[\w+#.-]+/u.exec(lang ?? "")?.[0] ?? "";
      return `<pre title="${escapeHtml(language)}"><code>${escapeHtml(text)}\n</code></pre>\n`;
    },
  },
});

/**
 * Renders markdown that may still grow: of `before`, the blocks of a beginning of `text`, those
 * that cannot change any more are taken over. No HTML of the text's own survives, images become
 * links. Where `isComplete`, all is read again, for a later line may define an earlier link.
 */
export function renderBlocks(
  text: string,
  before: readonly Block[] = [],
  isComplete = false,
): readonly Block[] {
  const source = text.replaceAll("\r\n", "\n");
  const kept = isComplete ? [] : finishedBlocks(source, before);
  const tokens = marked.lexer(source.slice(toSource(kept).length));
  const added = tokens.map((token) => renderToken(token, tokens.links));
  return [...kept, ...added.map((block, index) => unchanged(block, before[kept.length + index]))];
}

/** All of `before` but its last two blocks that show something: the last may join the one above. */
function finishedBlocks(source: string, before: readonly Block[]): readonly Block[] {
  const last = lastVisible(before, before.length);
  const kept = before.slice(0, Math.max(lastVisible(before, last), 0));
  return source.startsWith(toSource(kept)) ? kept : [];
}

function lastVisible(blocks: readonly Block[], end: number): number {
  return blocks.findLastIndex(({ html }, index) => index < end && html !== "");
}

function toSource(blocks: readonly Block[]): string {
  return blocks.map((block) => block.source).join("");
}

function renderToken(token: Token, links: object): Block {
  const tokens = Object.assign([token], { links }) as Parameters<typeof marked.parser>[0];
  return { source: token.raw, html: token.type === "space" ? "" : marked.parser(tokens) };
}

/** The same object for the same block, so that the page need not draw it again. */
function unchanged(block: Block, before: Block | undefined): Block {
  return before?.html === block.html && before.source === block.source ? before : block;
}

function linkTo(href: string, innerHtml: string, title?: string | null): string {
  if (!LINK.test(href)) return innerHtml;
  const titled = title ? ` title="${escapeHtml(title)}"` : "";
  return `<a href="${escapeHtml(href)}"${titled} target="_blank" rel="noopener noreferrer">${innerHtml}</a>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
