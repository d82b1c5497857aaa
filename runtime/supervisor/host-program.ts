import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What a sandbox process runs, and the files of ours that it reads for it. */
export interface HostProgram {
  readonly file: string;
  readonly reads: readonly string[];
}

const require = createRequire(import.meta.url);
const runtimeDir = fileURLToPath(new URL("..", import.meta.url));
const hostDir = path.join(runtimeDir, "host");
const protocolFile = path.join(runtimeDir, "protocol.ts");

/** `npm run build:host` puts the program here, in one file; its first line names its sources. */
export const BUILT_HOST_FILE = path.join(hostDir, "dist", "host.js");
export const HOST_MAIN_FILE = path.join(hostDir, "main.ts");

let found: HostProgram | undefined;

/**
 * The built program, or its sources where it was not built since they changed: they do the same
 * and take twice the time and memory to start.
 */
export function findHostProgram(): HostProgram {
  found ??= isBuilt()
    ? { file: BUILT_HOST_FILE, reads: [BUILT_HOST_FILE] }
    : {
        file: HOST_MAIN_FILE,
        reads: [
          hostDir,
          protocolFile,
          path.join(runtimeDir, "..", "package.json"),
          path.dirname(require.resolve("@cfworker/json-schema/package.json")),
        ],
      };
  return found;
}

/** The first line of a program built from the sources as they are now. */
export function toBuildMark(): string {
  const files = readdirSync(hostDir)
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((name) => path.join(hostDir, name));
  const hash = createHash("sha256");
  for (const file of [...files, protocolFile]) hash.update(readFileSync(file)).update("\0");
  return `// sources sha256 ${hash.digest("hex")}`;
}

function isBuilt(): boolean {
  try {
    return readFileSync(BUILT_HOST_FILE, "utf8").startsWith(toBuildMark());
  } catch {
    return false;
  }
}
