import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { threadId } from "node:worker_threads";
import { PLATFORM_LIMITS } from "../../policy/limits.ts";

/** Where groups of sandbox processes are made: one folder in version 2, two in version 1. */
export interface CgroupRoots {
  readonly version: 1 | 2;
  readonly memoryDir: string;
  /** Absent where the number of processes cannot be limited. */
  readonly pidsDir?: string | undefined;
}

/** Far beyond what the supervisor lets a call take: only a burst between two of its looks counts. */
const MEMORY_BYTES = (2 * PLATFORM_LIMITS.memoryMiB + 256) * 1_048_576;
const MAX_TASKS = 128;
const PREFIX = "nexflow-";
const REMOVE_TRIES = 20;
const REMOVE_EVERY_MS = 25;

const MEMORY_LIMITS = {
  1: { "memory.limit_in_bytes": MEMORY_BYTES },
  2: { "memory.max": MEMORY_BYTES, "memory.swap.max": 0 },
} as const;
const MEMORY_EVENTS = { 1: "memory.oom_control", 2: "memory.events" } as const;

let made = 0;

/** The control group of one sandbox process: memory and number of threads. */
export class Cgroup {
  readonly name: string;
  readonly #roots: CgroupRoots;
  readonly #dirs: readonly string[];

  /** Makes the group. Throws a system error where it cannot. */
  constructor(roots: CgroupRoots) {
    made += 1;
    this.name = `${PREFIX}${process.pid}-${threadId}-${made}`;
    this.#roots = roots;
    const parents = new Set([roots.memoryDir, roots.pidsDir ?? roots.memoryDir]);
    this.#dirs = [...parents].map((parent) => path.join(parent, this.name));
    for (const dir of this.#dirs) mkdirSync(dir);
    try {
      this.#limit();
    } catch (error) {
      for (const dir of this.#dirs) rmdirSync(dir);
      throw error;
    }
  }

  /** Moves the process in, with all it starts from now on. */
  async add(pid: number): Promise<void> {
    await Promise.all(this.#dirs.map((dir) => writeFile(path.join(dir, "cgroup.procs"), `${pid}`)));
  }

  /** Whether the system killed a process of the group because its memory was used up. */
  wasOutOfMemory(): boolean {
    const file = path.join(this.#roots.memoryDir, this.name, MEMORY_EVENTS[this.#roots.version]);
    try {
      return /^oom_kill [1-9]/mu.test(readFileSync(file, "utf8"));
    } catch {
      return false;
    }
  }

  /**
   * Removes the group once its processes are gone, at once if they are. What stays, because the
   * server ended first, is removed at a next start.
   */
  async remove(): Promise<void> {
    await Promise.all(this.#dirs.map((dir) => removePatiently(dir)));
  }

  #limit(): void {
    const { version, memoryDir, pidsDir } = this.#roots;
    for (const [file, value] of Object.entries(MEMORY_LIMITS[version])) {
      // Where nothing can be swapped there is no such file.
      write(path.join(memoryDir, this.name, file), value, file === "memory.swap.max");
    }
    if (pidsDir !== undefined) write(path.join(pidsDir, this.name, "pids.max"), MAX_TASKS, false);
  }
}

/** Where this process may make groups, as far as names and rights tell; else why it may not. */
export async function findCgroups(): Promise<CgroupRoots | { readonly reason: string }> {
  if (process.platform !== "linux") return { reason: "only Linux has control groups" };
  const candidates = await listCandidates().catch(() => []);
  let reason = "no memory controller is mounted";
  for (const roots of candidates) {
    try {
      await removeStale(roots);
      if (roots.version === 2) await delegate(roots.memoryDir);
      await new Cgroup(roots).remove();
      return roots;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return { reason };
}

/** The group of this process first, then the one around it, which a service may have been given. */
async function listCandidates(): Promise<readonly CgroupRoots[]> {
  const [mounts, groups] = await Promise.all([
    readFile("/proc/self/mountinfo", "utf8"),
    readFile("/proc/self/cgroup", "utf8"),
  ]);
  const memory = findGroup("memory", mounts, groups);
  const pids = findGroup("pids", mounts, groups);
  const unified = findGroup("", mounts, groups);
  const first: CgroupRoots[] = memory.flatMap((memoryDir) => [
    ...pids.map((pidsDir) => ({ version: 1, memoryDir, pidsDir }) as const),
    { version: 1, memoryDir } as const,
  ]);
  const second = unified.map((dir) => ({ version: 2, memoryDir: dir, pidsDir: dir }) as const);
  return [...first, ...second];
}

/** The folders of this process's own group and of its parent, under `controller`'s mount. */
export function findGroup(controller: string, mounts: string, groups: string): readonly string[] {
  const group = groups
    .split("\n")
    .map((line) => /^\d+:([^:]*):(.*)$/u.exec(line))
    .find((match) => match?.[1]?.split(",").includes(controller))?.[2];
  const mount = mounts
    .split("\n")
    .map((line) => line.split(" - "))
    .find(([, source = ""]) => {
      const [kind, , options = ""] = source.split(" ");
      return controller === ""
        ? kind === "cgroup2"
        : kind === "cgroup" && options.split(",").includes(controller);
    })?.[0]
    ?.split(" ");
  const [, , , root, place] = mount ?? [];
  if (group === undefined || root === undefined || place === undefined) return [];
  const own = path.join(place, path.relative(root, group));
  if (!own.startsWith(place)) return [place];
  return own === place ? [own] : [own, path.dirname(own)];
}

/** Version 2 lends controllers to groups below only where no process is in the group itself. */
async function delegate(dir: string): Promise<void> {
  const file = path.join(dir, "cgroup.subtree_control");
  const isLent = async () => (await readFile(file, "utf8")).split(/\s+/u).includes("memory");
  if (await isLent()) return;
  await writeFile(file, "+memory +pids");
}

/** Groups of servers that are gone. */
async function removeStale({ memoryDir, pidsDir }: CgroupRoots): Promise<void> {
  for (const dir of new Set([memoryDir, pidsDir ?? memoryDir])) {
    const names = (await readdir(dir)).filter((name) => name.startsWith(PREFIX));
    const stale = names.filter((name) => !isAlive(Number(name.split("-")[1])));
    await Promise.allSettled(stale.map((name) => rmdir(path.join(dir, name))));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** A group can be removed a moment after its last process has gone. */
async function removePatiently(dir: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_TRIES; attempt += 1) {
    try {
      return rmdirSync(dir);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, REMOVE_EVERY_MS).unref());
    }
  }
}

function write(file: string, value: number, isOptional: boolean): void {
  try {
    writeFileSync(file, `${value}`);
  } catch (error) {
    if (!isOptional) throw error;
  }
}
