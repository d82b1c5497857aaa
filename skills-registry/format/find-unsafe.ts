import { formatPath } from "./parse-strict.ts";
import type { FormatFault } from "./skill-format-error.ts";

export const MAX_DEPTH = 32;

/** Finds what no later step should have to meet: very deep nesting, a `__proto__` key. */
export function findUnsafe(json: unknown): Omit<FormatFault, "file"> | undefined {
  const open: { readonly value: unknown; readonly path: readonly PropertyKey[] }[] = [
    { value: json, path: [] },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (typeof value !== "object" || value === null) continue;
    if (path.length >= MAX_DEPTH) {
      const at = formatPath(path.slice(0, 4));
      return { path: at, found: "deeper nesting", expected: `at most ${MAX_DEPTH} levels` };
    }
    for (const [key, child] of Object.entries(value)) {
      const childPath = [...path, Array.isArray(value) ? Number(key) : key];
      if (key === "__proto__") {
        return { path: formatPath(childPath), found: '"__proto__"', expected: "another name" };
      }
      open.push({ value: child, path: childPath });
    }
  }
  return undefined;
}
