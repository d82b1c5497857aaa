import { type ChildProcessByStdio, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import process from "node:process";
import type { Duplex, Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { PLATFORM_LIMITS } from "../policy/limits.ts";

export type HostProcess = ChildProcessByStdio<Writable, Readable, Readable>;

const WASM_PAGES = PLATFORM_LIMITS.memoryMiB * 16;
export const WASM_TABLE_ENTRIES = 65_536;
/** The host program's own heap; guests in isolates have their own limit. */
const OLD_SPACE_MIB = 128;

const require = createRequire(import.meta.url);
const hostDir = fileURLToPath(new URL("../host", import.meta.url));
const mainFile = path.join(hostDir, "main.ts");

/** Starts the host program with an empty environment and no right but to read its own code. */
export function spawnHost(): HostProcess {
  return spawn(process.execPath, [...sandboxFlags(), mainFile], {
    env: {},
    // No place for a core dump, which would hold inputs.
    cwd: path.parse(hostDir).root,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    windowsHide: true,
    // A Ctrl-C at the terminal is for the server, which ends its sandboxes when it is done.
    detached: true,
  }) as HostProcess;
}

/** The pipe to the watchdog thread, see `host/watchdog.ts`. */
export function watchPipeOf(child: HostProcess): Duplex {
  return child.stdio[3] as Duplex;
}

/** What every sandbox process is started with. */
export function sandboxFlags(): readonly string[] {
  return [...permissionFlags(), ...ENGINE_FLAGS];
}

const ENGINE_FLAGS = [
  "--no-node-snapshot",
  "--disallow-code-generation-from-strings",
  `--wasm-max-mem-pages=${WASM_PAGES}`,
  `--wasm-max-table-size=${WASM_TABLE_ENTRIES}`,
  `--max-old-space-size=${OLD_SPACE_MIB}`,
  // Wasm is optimised at once: in the background it would cost another skill processor time, and
  // step by step in the foreground it made a calculation of 20 ms last 4 s.
  "--no-liftoff",
];

/** `--allow-addons` is for isolated-vm, `--allow-worker` for the watchdog; no guest reaches them. */
function permissionFlags(): string[] {
  const reads = readablePaths().map((each) => `--allow-fs-read=${each}`);
  return [
    "--permission",
    "--allow-addons",
    "--allow-worker",
    "--disable-warning=SecurityWarning",
    ...reads,
  ];
}

function readablePaths(): readonly string[] {
  const isolatedVm = packageDir(require.resolve("isolated-vm/package.json"));
  const gypBuild = createRequire(path.join(isolatedVm, "package.json")).resolve("node-gyp-build");
  const logical = [
    hostDir,
    path.join(hostDir, "..", "protocol.ts"),
    path.join(hostDir, "..", "..", "package.json"),
    isolatedVm,
    packageDir(gypBuild),
    packageDir(require.resolve("@cfworker/json-schema/package.json")),
  ];
  const real = logical.map((each) => realpathSync(each));
  // node-gyp-build looks for it to tell one C library from the other.
  return [...new Set([...logical, ...real, "/etc/alpine-release"])];
}

function packageDir(file: string): string {
  return path.dirname(file);
}
