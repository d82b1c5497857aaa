/** Elements that load what they name or hold, or change what others load or how text is read. */
const LOADING_TAG =
  /<(?:img|image|audio|video|source|track|link|base|meta|style|script|use|feimage|i?frame|frameset|portal|object|embed|applet|bgsound|plaintext)(?![\w-])/iu;
/** All the attributes that are known to load and run nothing; a style needs a function to load. */
const HARMLESS_TAG =
  /^<[a-z][a-z0-9-]*(?:\s+(?:title|class|className|align|valign|start|type|open|lang|dir|role|for|scope|colspan|rowspan|width|height|aria-[a-z]+)(?:="[^"<>]*"|='[^'<>]*')?|\s+style="[^"<>&(\\]*"|\s+style='[^'<>&(\\]*')*\s*\/?>$/iu;
const LINK_TAG = /^<a(?:\s+(?:href|title|class|rel|target)(?:="[^"<>]*"|='[^'<>]*'))*\s*>$/iu;
/** In HTML it is a tag, whose slashes may stand before attributes. */
const AUTOLINK = /^<(?:https?|mailto):[^\s<>"'`()\\]*>$/iu;
const ATTRIBUTE_IN_LINK = /\/(?:style|on[a-z]+)=|&[#a-z0-9]+;/iu;
const TAG_START = /<(?=[a-z]|$)/giu;
const LETTER = /[a-z]/iu;
/** A tag that is longer than this is none, or not for anybody's good. */
const MAX_TAG_CHARS = 500;
/** What may bind tighter than the brackets around the text of an image. */
const BINDING = new Set(["\\", "`", "<", "$", "&"]);
/** What may stand before a definition of Markdown: quotes, items of lists, space. */
const BEFORE_DEFINITION = /[\s>*+\-\d.):]/u;

/**
 * Takes out of text what makes a program that shows it as Markdown or HTML load something by itself:
 * whoever wrote the address would be told what is in it. Images become text, other text stays as it
 * is. Takes pieces, whatever they are cut into, in time in proportion to their length; what it does
 * not know for sure it takes for an image. No more than one open tag is held back.
 */
export class TextDefuser {
  readonly #images = new ImageBreaker();
  readonly #tags = new TagBreaker();

  /** What of the text so far can be shown. */
  push(piece: string): string {
    return this.#tags.push(this.#images.push(piece));
  }

  /** What was held back, when no more is to come. */
  end(): string {
    return this.#tags.end();
  }
}

/** `text`, where it is whole, without what would be loaded. */
export function defuseText(text: string): string {
  const defuser = new TextDefuser();
  return defuser.push(text) + defuser.end();
}

/**
 * Has tags be text but for those that are known to load nothing: without a value there is none that
 * could be loaded. What a program takes for a tag begins with one of the `<` that are looked at here
 * and ends with the next `>`, or is escaped: whatever stands around it.
 */
class TagBreaker {
  /** What may be a tag, up to now. */
  #tag = "";

  push(text: string): string {
    let shown = "";
    let at = 0;
    while (at < text.length) {
      if (this.#tag === "") {
        const start = text.indexOf("<", at);
        if (start === -1) break;
        shown += text.slice(at, start);
        this.#tag = "<";
        at = start + 1;
      } else {
        shown += this.#take(text.charAt(at));
        at += 1;
      }
    }
    return shown + text.slice(at);
  }

  end(): string {
    const tag = this.#tag;
    this.#tag = "";
    return tag === "<" ? tag : escapeTags(tag);
  }

  /** What can be shown when `char` comes behind what may be a tag. */
  #take(char: string): string {
    if (this.#tag === "<" && !LETTER.test(char)) {
      if (char === "<") return char;
      this.#tag = "";
      return `<${char}`;
    }
    this.#tag += char;
    const isWhole = char === ">";
    // What stands at the beginning of the next line may be of a quote, and no part of the tag.
    const isGivenUp = char === "\n" || char === "\r" || this.#tag.length >= MAX_TAG_CHARS;
    if (!isWhole && !isGivenUp) return "";
    const tag = this.#tag;
    this.#tag = "";
    return isWhole && isHarmless(tag) ? tag : escapeTags(tag);
  }
}

function isHarmless(tag: string): boolean {
  if (LOADING_TAG.test(tag)) return false;
  if (!tag.includes("=") || HARMLESS_TAG.test(tag) || LINK_TAG.test(tag)) return true;
  return AUTOLINK.test(tag) && !ATTRIBUTE_IN_LINK.test(tag);
}

/** Escapes what would make an image, or say for an earlier one where it is: it inserts backslashes. */
class ImageBreaker {
  /** The character before, and the last one that is no space. */
  #last = "";
  #lastSolid = "";
  /** How many brackets are open from the first of an image on, where it is one. */
  #depth = 0;
  /** The text of the image is plain, so that it is known where it ends. */
  #isPlain = true;
  #hasClosed = false;
  #hadImage = false;
  #hadDefinition = false;
  /** A definition can begin here, may have begun, or cannot. */
  #place: "start" | "label" | "rest" = "start";
  #isBlankLine = true;

  push(piece: string): string {
    let shown = "";
    let from = 0;
    for (let at = 0; at < piece.length; at += 1) {
      const char = piece.charAt(at);
      if (!this.#take(char)) continue;
      shown += `${piece.slice(from, at)}\\`;
      from = at;
    }
    return shown + piece.slice(from);
  }

  /** Whether `char` is to be escaped. */
  #take(char: string): boolean {
    const last = this.#last;
    this.#last = char;
    if (char === "\n" || char === "\r") {
      if (char !== "\n" || last !== "\r") this.#endLine();
      return false;
    }
    const isOpen = this.#depth > 0 || this.#hasClosed;
    const isBehindBracket = this.#lastSolid === "]";
    const isSpace = char === " " || char === "\t";
    if (!isSpace) [this.#lastSolid, this.#hasClosed] = [char, false];
    const isDefinition = char === ":" && last === "]" && this.#place === "label";
    if (this.#place === "start" && !BEFORE_DEFINITION.test(char)) {
      this.#place = char === "[" ? "label" : "rest";
    }
    if (!isSpace) this.#isBlankLine = false;
    if (this.#depth > 0 && BINDING.has(char)) this.#isPlain = false;
    if (char === "[") return this.#open(last === "!");
    if (char === "]") this.#close();
    if (isDefinition) {
      if (this.#hadImage) return true;
      this.#hadDefinition = true;
    }
    // Some take an address for the image's that stands behind a space.
    return char === "(" && isBehindBracket && isOpen;
  }

  #open(isImage: boolean): boolean {
    if (isImage && this.#hadDefinition) return true;
    if (isImage) this.#hadImage = true;
    if (isImage || this.#depth > 0) this.#depth += 1;
    return false;
  }

  #close(): void {
    if (this.#depth === 0 || !this.#isPlain) return;
    this.#depth -= 1;
    this.#hasClosed = this.#depth === 0;
  }

  /** Nothing within a line goes beyond one that is empty. */
  #endLine(): void {
    if (this.#isBlankLine) {
      this.#depth = 0;
      this.#isPlain = true;
      this.#lastSolid = "";
    }
    if (this.#isBlankLine || this.#place !== "label") this.#place = "start";
    this.#isBlankLine = true;
  }
}

function escapeTags(text: string): string {
  return text.replaceAll(TAG_START, "&lt;");
}
