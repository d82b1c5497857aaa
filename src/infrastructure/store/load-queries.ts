import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { queries as builtQueries } from "./queries.ts";
import type { Query } from "./query.ts";

export type Queries = typeof builtQueries;

/** What `build-queries.ts` writes. */
export interface CompiledQueries {
  readonly sourceHash: string;
  readonly queries: Readonly<Record<string, Query<unknown>>>;
}

export const COMPILED_QUERIES_FILE = path.join(import.meta.dirname, "dist/queries.json");
const SOURCES = [
  "queries.ts",
  "query-builder.ts",
  "schema.ts",
  "turn-states.ts",
  "user-context-version.ts",
  "dialects/id-of.ts",
  "dialects/now-ms.ts",
];
const SOURCE_FOLDER = "queries";

/**
 * Every statement of the store. They are read as `npm run build:queries` compiled them, which
 * spares each thread the loading of Kysely (200 ms); where that is missing or older than its
 * source they are compiled here and now.
 */
export const queries: Queries = readCompiled() ?? (await import("./queries.ts")).queries;

/** A hash of all that the compiled statements depend on. */
export function hashSources(): string {
  const hash = createHash("sha256");
  const statements = readdirSync(path.join(import.meta.dirname, SOURCE_FOLDER)).toSorted();
  const names = [...SOURCES, ...statements.map((name) => path.join(SOURCE_FOLDER, name))];
  for (const name of names) hash.update(readFileSync(path.join(import.meta.dirname, name)));
  return hash.digest("hex");
}

function readCompiled(): Queries | undefined {
  try {
    const compiled = JSON.parse(readFileSync(COMPILED_QUERIES_FILE, "utf8")) as CompiledQueries;
    return compiled.sourceHash === hashSources() ? (compiled.queries as Queries) : undefined;
  } catch {
    return undefined;
  }
}
