import { execFile } from "node:child_process";
import { appendFile, mkdir, rm } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { RunningNexflow } from "./start-nexflow.ts";
import { openTempDir } from "./temp-dir.ts";

const run = promisify(execFile);
const MOUNT_MIB = 24;
const PAGE_BYTES = 4_096;
const SMALL_BYTES = 4_096;

/** A data directory whose disk can be filled and freed while a server works on it. */
export interface FillableDisk extends AsyncDisposable {
  readonly homeDir: string;
  readonly launcher?: readonly [string, ...string[]];
  fill(server: RunningNexflow): Promise<void>;
  free(server: RunningNexflow): Promise<void>;
}

/** A small file system of its own, or the reason why it cannot be had. */
export async function openSmallDisk(): Promise<FillableDisk | string> {
  if (process.platform !== "linux" || userInfo().uid !== 0) return "mounting takes root on Linux";
  const dir = await openTempDir();
  const homeDir = path.join(dir.path, "mount");
  await mkdir(homeDir);
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${MOUNT_MIB}m`, "nexflow-test", homeDir]);
  } catch (error) {
    await dir[Symbol.asyncDispose]();
    return `this system lets nobody mount: ${String(error)}`;
  }
  const filler = path.join(homeDir, "filler");
  return {
    homeDir,
    fill: () => fillUp(filler),
    free: () => rm(filler),
    [Symbol.asyncDispose]: async () => {
      await run("umount", [homeDir]);
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** A server whose files may not grow, or the reason why that cannot be had. */
export async function openBoundedFiles(): Promise<FillableDisk | string> {
  const setLimit = async (server: RunningNexflow, bytes: number | "unlimited") => {
    await run("prlimit", ["--pid", String(server.process.pid), `--fsize=${bytes}:`]);
  };
  const problem = await run("prlimit", ["--version"]).then(
    () => undefined,
    () => "there is no prlimit on this system",
  );
  if (problem !== undefined) return problem;
  const dir = await openTempDir();
  return {
    homeDir: dir.path,
    // The signal for a file that would grow too long would end the program; ignored, the write fails.
    launcher: ["/bin/sh", "-c", `trap '' XFSZ; exec "$0" "$@"`],
    fill: (server) => setLimit(server, SMALL_BYTES),
    free: (server) => setLimit(server, "unlimited"),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** Adds to a file until nothing fits any more. */
async function fillUp(file: string): Promise<void> {
  for (const bytes of [MOUNT_MIB * PAGE_BYTES, PAGE_BYTES]) {
    try {
      for (;;) await appendFile(file, Buffer.alloc(bytes));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
    }
  }
}
