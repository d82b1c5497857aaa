import { type Document, isMap, isScalar, isSeq, type LineCounter } from "yaml";

/** Counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the parts of a document stand in its text: properties at their names, items themselves. */
export type TextPlaces = ReadonlyMap<string, Place>;

type DocumentPath = readonly PropertyKey[];

/** The places in `document`, whose lines `lines` has counted. Aliases are not followed. */
export function findPlaces(document: Document, lines: LineCounter): TextPlaces {
  const places = new Map<string, Place>();
  const open: Part[] = [{ node: document.contents, path: [], at: document.contents }];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    places.set(toKey(part.path), toPlace(part.at, lines));
    open.push(...partsOf(part.node, part.path));
  }
  return places;
}

/** The place of `path`, or of the nearest part around it that is there. */
export function placeOf(places: TextPlaces, path: DocumentPath): Place {
  for (let length = path.length; length >= 0; length -= 1) {
    const place = places.get(toKey(path.slice(0, length)));
    if (place !== undefined) return place;
  }
  return { line: 1, column: 1 };
}

interface Part {
  readonly node: unknown;
  readonly path: DocumentPath;
  /** What shows its place. */
  readonly at: unknown;
}

function partsOf(node: unknown, path: DocumentPath): readonly Part[] {
  if (isMap(node)) {
    return node.items.map(({ key, value }) => ({
      node: value,
      path: [...path, String(isScalar(key) ? key.value : key)],
      at: key,
    }));
  }
  if (!isSeq(node)) return [];
  return node.items.map((item, index) => ({ node: item, path: [...path, index], at: item }));
}

function toPlace(node: unknown, lines: LineCounter): Place {
  const { line, col } = lines.linePos(hasRange(node) ? node.range[0] : 0);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function hasRange(node: unknown): node is { readonly range: readonly [number, ...number[]] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

function toKey(path: DocumentPath): string {
  return path.map(String).join("\n");
}
