import { formatPath } from "./parse-strict.ts";

/** What `JSON.parse` does not tell of a text. */
export interface JsonLines {
  /** By path, as in `tools[0].name`; counted from 1. */
  readonly lines: ReadonlyMap<string, number>;
  /** Names that stand twice in one object, where they stand again. */
  readonly duplicates: readonly string[];
  /** Where the text is nested deeper than `maxDepth`; nothing after it was read. */
  readonly tooDeep?: string | undefined;
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gsu;
const LITERAL = /^(?:true|false|null|-?\d[\d.eE+-]*|".*"|[{}[\]:,])$/su;

/**
 * Reads where each part of a JSON text stands. The text is one that `JSON.parse` takes; it may be
 * hostile all the same. (A YAML parser would know lines too, but takes minutes for some texts.)
 */
export function readJsonLines(text: string, maxDepth: number): JsonLines {
  const lines = new Map<string, number>();
  const duplicates: string[] = [];
  const open: Container[] = [];
  const lineAt = createLineCounter(text);
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const around = open.at(-1);
    const path = pathIn(around);
    if (around !== undefined && token === ",") {
      around.at = typeof around.at === "number" ? around.at + 1 : undefined;
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (around !== undefined && around.at === undefined) {
      around.at = String(JSON.parse(token));
      const named = formatPath(pathIn(around));
      if (around.names.has(around.at)) duplicates.push(named);
      around.names.add(around.at);
      lines.set(named, lineAt(index));
    } else if (token !== ":") {
      const named = formatPath(path);
      if (!lines.has(named)) lines.set(named, lineAt(index));
      if (token !== "{" && token !== "[") continue;
      if (open.length >= maxDepth) return { lines, duplicates, tooDeep: named };
      open.push({ path, at: token === "[" ? 0 : undefined, names: new Set() });
    }
  }
  return { lines, duplicates };
}

/** The line of `path`, or of the nearest part around it that is there. */
export function lineOf(lines: ReadonlyMap<string, number>, path: string): number {
  for (let at = path; at !== ""; at = at.replace(/(?:^|\.)[^.[\]]*$|\[\d+\]$/u, "")) {
    const line = lines.get(at);
    if (line !== undefined) return line;
  }
  return lines.get("") ?? 1;
}

/** The line of what keeps `text` from being JSON, as far as can be told. */
export function findSyntaxLine(text: string, message: string): number {
  const [, told] = /\(line (\d+) /u.exec(message) ?? [];
  if (told !== undefined) return Number(told);
  const lineAt = createLineCounter(text);
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (!LITERAL.test(token)) return lineAt(index);
  }
  return lineAt(text.trimEnd().length);
}

interface Container {
  readonly path: readonly PropertyKey[];
  /** The item or property being read; undefined while a name is expected. */
  at: number | string | undefined;
  readonly names: Set<string>;
}

function pathIn(container: Container | undefined): readonly PropertyKey[] {
  if (container === undefined) return [];
  return container.at === undefined ? container.path : [...container.path, container.at];
}

/** For offsets that only grow. */
function createLineCounter(text: string): (offset: number) => number {
  let line = 1;
  let next = text.indexOf("\n");
  return (offset) => {
    while (next !== -1 && next < offset) {
      line += 1;
      next = text.indexOf("\n", next + 1);
    }
    return line;
  };
}
