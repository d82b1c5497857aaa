import { readdir, readFile } from "node:fs/promises";

/*
 * What Linux tells of processes. Elsewhere nothing is told: no descendants, NaN for amounts.
 */

/** The processes that `pid` and those below it have started, by any of their threads. */
export async function descendantsOf(pid: number): Promise<readonly number[]> {
  const children = await childrenOf(pid);
  const below = await Promise.all(children.map((child) => descendantsOf(child)));
  return [...children, ...below.flat()];
}

const TICKS_PER_SECOND = 100;

/** User and system time that `pid` and all below it have taken; NaN where that is not told. */
export async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  try {
    const pids = [pid, ...(await descendantsOf(pid))];
    const ticks = await Promise.all(pids.map(ticksOf));
    return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
  } catch {
    return Number.NaN;
  }
}

/** What `pid` holds in memory, pages it shares counted by its share in them (PSS). */
export function pssMiBOf(pid: number): Promise<number> {
  return fieldOf(pid, "Pss");
}

/** What `pid` holds in memory, shared pages too. */
export function rssMiBOf(pid: number): Promise<number> {
  return fieldOf(pid, "Rss");
}

/** What `pid` would give back if it ended: pages that no other process has. */
export async function privateMiBOf(pid: number): Promise<number> {
  const [clean, dirty] = await Promise.all([
    fieldOf(pid, "Private_Clean"),
    fieldOf(pid, "Private_Dirty"),
  ]);
  return clean + dirty;
}

/** Whether `pid` still runs, by any of its threads: a zombie alone is dead. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    const [stat, threads] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readdir(`/proc/${pid}/task`),
    ]);
    return threads.length > 1 || !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}

async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // Fields 14 and 15 of proc(5); the name before them, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const lists = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8")),
    );
    return lists.join(" ").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

async function fieldOf(pid: number, name: string): Promise<number> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, "mu").exec(rollup)?.[1];
    return Number(kib ?? Number.NaN) / 1_024;
  } catch {
    return Number.NaN;
  }
}
