import { lstat, readFile, realpath } from "node:fs/promises";
import path from "node:path";
import type { Parsed } from "./parse-strict.ts";

/**
 * Reads a file of a package: a regular file of at most `maxBytes` that no symbolic link leads to.
 * `root` is the real path of the package's folder.
 */
export async function readPackageFile(
  root: string,
  file: string,
  maxBytes: number,
): Promise<Parsed<Buffer>> {
  const full = path.join(root, file);
  const faulty = (found: string): Parsed<never> => {
    const expected = `a regular file of at most ${maxBytes} bytes, not behind a symbolic link`;
    return { kind: "faulty", faults: [{ file, path: "", found, expected }] };
  };
  try {
    const stat = await lstat(full);
    if ((await realpath(full)) !== full) return faulty("a symbolic link");
    if (!stat.isFile()) return faulty(stat.isDirectory() ? "a folder" : "a special file");
    if (stat.size > maxBytes) return faulty(`${stat.size} bytes`);
    return { kind: "ok", value: await readFile(full) };
  } catch (error) {
    return faulty(codeOf(error) === "ENOENT" ? "nothing" : `error ${codeOf(error)}`);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
