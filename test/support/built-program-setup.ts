import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { findBuiltProgram } from "../../src/built-program.js";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** Once for each run of tests: programs that tests start are the built one, of today's sources. */
export async function setup(): Promise<void> {
  if (findBuiltProgram(ROOT) !== undefined) return;
  await promisify(execFile)(process.execPath, [path.join(ROOT, "src/build-program.ts")]);
}
