import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { Cgroup, type CgroupRoots } from "./cgroup.ts";
import { NICENESS } from "./launcher.ts";
import type { Layers } from "./layers.ts";

export type HostProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/** The first to go when the machine's memory is used up. */
export const OOM_SCORE = 1_000;
const SESSION_TRIES = 20;
const SESSION_RETRY_MS = 150;

const cgroups = new WeakMap<HostProcess, Cgroup>();
const outOfMemory = new WeakSet<HostProcess>();

/** Starts Node with `args` inside the layers, with an empty environment and four pipes. */
export function spawnInLayers(
  { launcher, cgroups: roots }: Pick<Layers, "launcher" | "cgroups">,
  args: readonly string[],
): HostProcess {
  const [program = process.execPath, ...rest] = [...launcher, process.execPath, ...args];
  const child = spawn(program, rest, {
    env: {},
    // No place for a core dump, which would hold inputs.
    cwd: path.parse(process.execPath).root,
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    windowsHide: true,
    // A Ctrl-C at the terminal is for the server, which ends its sandboxes when it is done.
    detached: true,
  }) as HostProcess;
  if (child.pid === undefined) return child;
  // Not awaited: all this happens before its program has begun.
  void surround(child, child.pid, roots);
  return child;
}

/** Whether the system killed it because its control group's memory was used up; known at `close`. */
export function wasOutOfMemory(child: HostProcess): boolean {
  return outOfMemory.has(child);
}

/** The control group of `child`, while it has one. */
export function cgroupNameOf(child: HostProcess): string | undefined {
  return cgroups.get(child)?.name;
}

/** The process that runs Node: in a PID namespace it is the one child of the process we started. */
export async function findHostPid(pid: number): Promise<number> {
  const children = await listChildren(pid);
  return children[0] ?? pid;
}

/** What the launcher cannot do. What fails, because the process has ended, shows as that. */
async function surround(
  child: HostProcess,
  pid: number,
  roots: CgroupRoots | undefined,
): Promise<void> {
  if (process.platform !== "linux") return lowerPriority(pid);
  const cgroup = roots === undefined ? undefined : openCgroup(child, roots);
  const enclose = async (each: number) => {
    await Promise.allSettled([
      writeFile(`/proc/${each}/oom_score_adj`, `${OOM_SCORE}`),
      cgroup?.add(each),
    ]);
  };
  void lowerSession(pid);
  await enclose(pid);
  // What it started meanwhile did not come along; what it starts from now on will.
  await Promise.all((await listChildren(pid)).map(enclose));
}

/**
 * Each sandbox process leads a session. Where Linux shares time out by sessions first, the niceness
 * of their processes counts for nothing between them: the session needs its own. The system takes
 * one such wish in 100 ms.
 */
async function lowerSession(pid: number): Promise<void> {
  for (let attempt = 0; attempt < SESSION_TRIES; attempt += 1) {
    try {
      return await writeFile(`/proc/${pid}/autogroup`, `${NICENESS}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      await new Promise((resolve) => setTimeout(resolve, SESSION_RETRY_MS).unref());
    }
  }
}

function openCgroup(child: HostProcess, roots: CgroupRoots): Cgroup | undefined {
  try {
    const cgroup = new Cgroup(roots);
    cgroups.set(child, cgroup);
    child.once("close", () => {
      if (cgroup.wasOutOfMemory()) outOfMemory.add(child);
      void cgroup.remove();
    });
    return cgroup;
  } catch {
    // The folder was there when the layers were detected: the process goes without a group.
    return undefined;
  }
}

/** Elsewhere than on Linux this is about all threads of the process. */
function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, NICENESS);
  } catch {
    // It has ended, or the host does not let us: the layer's state says so.
  }
}

async function listChildren(pid: number): Promise<readonly number[]> {
  try {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
