import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { COMPILED_QUERIES_FILE, type CompiledQueries, hashSources } from "./load-queries.ts";
import { queries } from "./queries.ts";

/* `npm run build:queries`: compiles the statements for `load-queries.ts`. */

const compiled: CompiledQueries = { sourceHash: hashSources(), queries };
const draft = `${COMPILED_QUERIES_FILE}.${process.pid}`;
mkdirSync(path.dirname(COMPILED_QUERIES_FILE), { recursive: true });
writeFileSync(draft, JSON.stringify(compiled));
renameSync(draft, COMPILED_QUERIES_FILE);
