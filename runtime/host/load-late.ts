import type { Hash } from "node:crypto";
import { createRequire } from "node:module";
import type IsolatedVm from "isolated-vm";

/*
 * What takes long to load is loaded at its first use: a process takes its first call sooner, and one
 * that runs no isolates is smaller.
 */

const require = createRequire(import.meta.url);
let isolatedVm: typeof IsolatedVm | undefined;

export function loadIsolatedVm(): typeof IsolatedVm {
  isolatedVm ??= require("isolated-vm") as typeof IsolatedVm;
  return isolatedVm;
}

export function createSha256(): Hash {
  return process.getBuiltinModule("node:crypto").createHash("sha256");
}

/** Loads it all, for a process that nobody waits for. */
export function warmUp(): void {
  const { Isolate } = loadIsolatedVm();
  new Isolate().dispose();
  createSha256().update("").digest();
}
