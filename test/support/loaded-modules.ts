import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const HOOK = `import { registerHooks } from "node:module";
import { writeSync } from "node:fs";
registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) writeSync(2, "loaded " + url + "\\n");
    return next(url, context);
  },
});`;

/** The environment in which a program and its threads say on stderr which files they load. */
export const TELLING_WHAT_IS_LOADED = {
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(HOOK)}`,
};

/** The files that a program has loaded by what it said. */
export function listLoaded(stderr: string): readonly string[] {
  const lines = stderr.split("\n").filter((line) => line.startsWith("loaded file:"));
  return lines.map((line) => fileURLToPath(line.slice("loaded ".length)));
}

/** The sources that built files are made of, from the root: a comment before each says so. */
export async function listSourcesIn(builtFiles: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(builtFiles.map((file) => readFile(file, "utf8")));
  return texts.flatMap((text) =>
    [...text.matchAll(/^\/\/ (\S+\.[jt]s)$/gmu)].map(([, source = ""]) => source),
  );
}
