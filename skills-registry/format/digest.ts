import { createHash } from "node:crypto";

export interface PackageFile {
  /** Relative to the package's folder, with "/" between its parts. */
  readonly path: string;
  readonly content: Uint8Array;
}

/**
 * The identity of a package: sha256, in hex, of a listing of its files. The listing is UTF-8 text:
 * the line "nexflow-package-v1", then for each file, in the order of the UTF-16 code units of
 * their paths, the line "<sha256 in hex> <size in bytes> <path>", each line ended by "\n".
 */
export function digestOf(files: readonly PackageFile[]): string {
  const lines = files
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, content }) => `${sha256(content)} ${content.byteLength} ${path}\n`);
  return sha256(`nexflow-package-v1\n${lines.join("")}`);
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
