import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const SAMPLE_MS = 40;
/** In ticks, of which Linux has a hundred in a second. */
const BUSY_TICKS = 20;
/** What the start of a process takes at most: some 10, and twice and more where the machine is busy. */
const START_TICKS = 60;
const PATIENCE_MS = 30_000;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly cpuTicks: number;
}

/**
 * The process among those that came of `root` which computes and computes, while no other does as
 * much as half of that: one that starts is busy as well, but not for long.
 *
 * @throws Error where there is none within half a minute
 */
export async function findBusyProcess(root: number): Promise<number> {
  const samples: ReadonlyMap<number, number>[] = [];
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const processes = descendantsOf(root, listProcesses());
    const now = new Map(processes.map(({ pid, cpuTicks }) => [pid, cpuTicks]));
    for (const [pid, ticks] of now) {
      if (ticks < START_TICKS) continue;
      const before = samples.findLast((each) => (each.get(pid) ?? ticks) <= ticks - BUSY_TICKS);
      if (before === undefined) continue;
      const isBusier = [...now].every(
        ([other, cpuTicks]) =>
          other === pid || cpuTicks - (before.get(other) ?? 0) <= BUSY_TICKS / 2,
      );
      if (isBusier) return pid;
    }
    samples.push(now);
    if (performance.now() > endMs) {
      throw new Error(`No process computes alone: ${JSON.stringify([...now])}`);
    }
    await delay(SAMPLE_MS);
  }
}

/** Fulfilled when a process is gone, or has nothing left but its exit code. */
export async function untilGone(pid: number): Promise<void> {
  while (!/^[ZX]$/u.test(readProcess(pid)?.state ?? "X")) await delay(1);
}

function descendantsOf(root: number, all: readonly Process[]): readonly Process[] {
  const children = all.filter(({ parent }) => parent === root);
  return children.flatMap((child) => [child, ...descendantsOf(child.pid, all)]);
}

function listProcesses(): readonly Process[] {
  return readdirSync("/proc").flatMap((name) =>
    /^\d+$/u.test(name) ? (readProcess(Number(name)) ?? []) : [],
  );
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands in brackets and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent] = fields;
    return {
      pid,
      parent: Number(parent),
      state,
      cpuTicks: Number(fields[11]) + Number(fields[12]),
    };
  } catch {
    return undefined;
  }
}
