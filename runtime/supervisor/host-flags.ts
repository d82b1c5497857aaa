import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { PLATFORM_LIMITS } from "../policy/limits.ts";
import { findHostProgram } from "./host-program.ts";

const WASM_PAGES = PLATFORM_LIMITS.memoryMiB * 16;
export const WASM_TABLE_ENTRIES = 65_536;
/** The host program's own heap; guests in isolates have their own limit. */
const OLD_SPACE_MIB = 128;

const require = createRequire(import.meta.url);

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

/** What a sandbox process may read of our own: its program and what that loads. */
export function readablePaths(): readonly string[] {
  const isolatedVm = path.dirname(require.resolve("isolated-vm/package.json"));
  const gypBuild = createRequire(path.join(isolatedVm, "package.json")).resolve("node-gyp-build");
  const logical = [...findHostProgram().reads, isolatedVm, path.dirname(gypBuild)];
  const real = logical.map((each) => realpathSync(each));
  // node-gyp-build looks for it to tell one C library from the other.
  return [...new Set([...logical, ...real, "/etc/alpine-release"])];
}
