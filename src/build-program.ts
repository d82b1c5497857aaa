import { existsSync, readFileSync, statSync } from "node:fs";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { build, type ESTree, type Plugin, parseSync, Visitor } from "vite";
import {
  BUILD_RECORD,
  BUILT_DIR,
  type BuildRecord,
  type BuiltSource,
  readBuildRecord,
  toSha256,
} from "./built-program.js";

/*
 * `npm run build:server`: the program, its threads and whatever it starts of its own, as a few
 * modules of plain JavaScript.
 */

const ROOT = path.resolve(import.meta.dirname, "..");
const PROGRAM = path.join(ROOT, "src/main.ts");
/** What the result depends on beside the modules in it. */
const SETTINGS = ["package.json", "package-lock.json", "tsconfig.json", "src/build-program.ts"];
/** Packages of many small files that every start loads; all others stay where they are. */
const BUILT_IN = ["commander", "croner", "uuid", "yaml", "zod"];
/** A time of change is not taken for an answer if another change could bear the same. */
const CLOCK_STEP_MS = 1_000;
/** A program that runs may load parts of itself as late as this, from a build that is not the last. */
const KEPT_MS = 86_400_000;

const sources = new Map<string, BuiltSource>();
for (const name of SETTINGS) readSource(path.join(ROOT, name));
const begun = path.join(ROOT, BUILT_DIR, `building-${process.pid}`);
await build({
  configFile: false,
  root: ROOT,
  logLevel: "warn",
  publicDir: false,
  plugins: [readSources(), keepPlaces()],
  // A linked folder of packages is recorded as part of this installation, as it is found.
  resolve: { preserveSymlinks: true },
  ssr: { noExternal: BUILT_IN },
  build: {
    ssr: true,
    outDir: begun,
    target: "node22",
    minify: false,
    rolldownOptions: {
      input: PROGRAM,
      output: {
        format: "es",
        entryFileNames: toBuiltName("[name]"),
        chunkFileNames: toBuiltName("[name]-[hash]"),
      },
    },
  },
});
await putInPlace();

/** Each build has a folder of its own, named for its sources, and is in use once the record says so. */
async function putInPlace(): Promise<void> {
  const listed = [...sources.values()].toSorted((a, b) => (a.file < b.file ? -1 : 1));
  const name = toSha256(listed.map(({ file, sha256 }) => `${file}\0${sha256}`).join("\n"));
  const folder = path.posix.join(BUILT_DIR, name.slice(0, 12));
  const former = readBuildRecord(ROOT);
  await rename(begun, path.join(ROOT, folder)).catch(async (error: unknown) => {
    if (!existsSync(path.join(ROOT, folder))) throw error;
    // The same was built before, or is by another at the moment.
    await rm(begun, { recursive: true });
  });
  const program = path.posix.join(folder, toBuiltName(path.basename(PROGRAM, ".ts")));
  const built: BuildRecord = { program, sources: listed };
  await writeFile(path.join(ROOT, `${BUILD_RECORD}.new`), JSON.stringify(built));
  await rename(path.join(ROOT, `${BUILD_RECORD}.new`), path.join(ROOT, BUILD_RECORD));
  await removeOld([folder, path.posix.dirname(former?.program ?? program)]);
}

async function removeOld(kept: readonly string[]): Promise<void> {
  for (const entry of await readdir(path.join(ROOT, BUILT_DIR), { withFileTypes: true })) {
    const folder = path.posix.join(BUILT_DIR, entry.name);
    if (!entry.isDirectory() || kept.includes(folder)) continue;
    const isOld = Date.now() - statSync(path.join(ROOT, folder)).mtimeMs > KEPT_MS;
    if (isOld) await rm(path.join(ROOT, folder), { recursive: true, force: true });
  }
}

/** Notes what is built as it is read: what changes meanwhile does not pass for built. */
function readSources(): Plugin {
  return { name: "read-sources", enforce: "pre", load: readSource };
}

function readSource(place: string): string {
  const { ctimeMs } = statSync(place);
  const content = readFileSync(place);
  const file = path.relative(ROOT, place).replaceAll(path.sep, "/");
  sources.set(file, {
    file,
    sha256: toSha256(content),
    bytes: content.byteLength,
    changedMs: Date.now() - ctimeMs > CLOCK_STEP_MS ? ctimeMs : 0,
  });
  return content.toString();
}

/**
 * A module finds what is beside it, though it is no longer there itself; a module of ours that it
 * names by `new URL("….ts", import.meta.url)`, to start it, is built too and named as such.
 */
function keepPlaces(): Plugin {
  return {
    name: "keep-places",
    enforce: "pre",
    transform: {
      filter: { code: "import.meta" },
      handler(code, id) {
        const edits: Edit[] = [];
        const own = new Set<ESTree.Expression>();
        const visitor = new Visitor({
          NewExpression: (node) => {
            const started = toStarted(node);
            if (started === undefined) return;
            const fileName = toBuiltName(path.basename(started.name.value, ".ts"));
            const place = path.resolve(path.dirname(id), started.name.value);
            this.emitFile({ type: "chunk", id: place, fileName });
            own.add(started.base);
            edits.push({ ...started.name, text: JSON.stringify(`./${fileName}`) });
          },
          MemberExpression: (node) => {
            if (node.object.type !== "MetaProperty" || own.has(node)) return;
            edits.push({ ...node, text: toPlace(id, code.slice(node.start, node.end)) });
          },
        });
        visitor.visit(parseSync(id, code).program);
        return { code: applyEdits(code, edits), map: null };
      },
    },
  };
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Lines keep their numbers. */
function applyEdits(code: string, edits: readonly Edit[]): string {
  const fromTheEnd = edits.toSorted((a, b) => b.start - a.start);
  return fromTheEnd.reduce(
    (text, edit) => `${text.slice(0, edit.start)}${edit.text}${text.slice(edit.end)}`,
    code,
  );
}

/** The name and the base in `new URL("name.ts", import.meta.url)`. */
function toStarted({ callee, arguments: [name, base] }: ESTree.NewExpression) {
  if (callee.type !== "Identifier" || callee.name !== "URL") return undefined;
  if (base?.type !== "MemberExpression" || base.object.type !== "MetaProperty") return undefined;
  if (name?.type !== "Literal" || typeof name.value !== "string") return undefined;
  const { start, end, value } = name;
  return value.endsWith(".ts") ? { name: { start, end, value }, base } : undefined;
}

/** What gives, in the built program, what `expression` gives in the source `id`. */
function toPlace(id: string, expression: string): string {
  const source = path.relative(path.join(ROOT, BUILT_DIR, "folder"), id).replaceAll(path.sep, "/");
  const url = `new URL(${JSON.stringify(source)}, import.meta.url)`;
  if (expression === "import.meta.url") return `${url}.href`;
  if (expression === "import.meta.dirname") {
    return `process.getBuiltinModule("node:url").fileURLToPath(new URL(".", ${url})).slice(0, -1)`;
  }
  throw new Error(`Cannot build "${id}": expected no "${expression}" but its url and dirname`);
}

function toBuiltName(name: string): string {
  return `${name}.js`;
}
