import { execFile } from "node:child_process";
import { cp, readFile, stat, symlink, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { openTempDir } from "./temp-dir.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PARTS = ["src", "runtime", "skills-registry", "sandbox-policies"];
const SETTINGS = ["package.json", "package-lock.json", "tsconfig.json"];

/** A copy of this installation, without its built program, to be changed and built. */
export interface Installation extends AsyncDisposable {
  readonly root: string;
  readonly main: string;
  /** Runs its `npm run build:server`. */
  build(): Promise<void>;
  /** Rewrites a file, and gives it back the time that it bore. */
  change(file: string, rewrite: (text: string) => string): Promise<void>;
}

export async function openInstallation(): Promise<Installation> {
  const dir = await openTempDir();
  const root = path.join(dir.path, "nexflow");
  const built = path.join(ROOT, "src/dist");
  for (const name of [...PARTS, ...SETTINGS]) {
    const filter = (source: string) => source !== built;
    await cp(path.join(ROOT, name), path.join(root, name), { recursive: true, filter });
  }
  await symlink(path.join(ROOT, "node_modules"), path.join(root, "node_modules"));
  return {
    root,
    main: path.join(root, "src/nexflow.js"),
    build: async () => {
      await promisify(execFile)(process.execPath, [path.join(root, "src/build-program.ts")]);
    },
    change: async (file, rewrite) => {
      const place = path.join(root, file);
      const [before, { atime, mtime }] = await Promise.all([readFile(place, "utf8"), stat(place)]);
      const after = rewrite(before);
      if (after === before) throw new Error(`Cannot change "${file}": it would stay as it is`);
      await writeFile(place, after);
      await utimes(place, atime, mtime);
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
