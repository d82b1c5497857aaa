import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { Cgroup, findGroup } from "../../../../runtime/supervisor/layers/cgroup.ts";
import { openTempDir } from "../../../support/temp-dir.ts";

const UNIFIED =
  "29 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:4 - cgroup2 cgroup2 rw,nsdelegate";
const MEMORY =
  "41 30 0:37 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n" +
  "42 30 0:38 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct";

describe("findGroup()", () => {
  test("finds the own group of version 2 and the one around it", ({ expect }) => {
    const group = "0::/system.slice/nexflow.service/server\n";
    expect(findGroup("", UNIFIED, group)).toEqual([
      "/sys/fs/cgroup/system.slice/nexflow.service/server",
      "/sys/fs/cgroup/system.slice/nexflow.service",
    ]);
  });

  test("finds the group of a controller of version 1", ({ expect }) => {
    const groups = "8:memory:/jobs/7\n3:cpu,cpuacct:/jobs\n0::/\n";
    expect(findGroup("memory", MEMORY, groups)).toEqual([
      "/sys/fs/cgroup/memory/jobs/7",
      "/sys/fs/cgroup/memory/jobs",
    ]);
    expect(findGroup("cpuacct", MEMORY, groups)).toContain("/sys/fs/cgroup/cpu,cpuacct/jobs");
  });

  test("stays inside a mount that shows a part of the tree", ({ expect }) => {
    const mount = MEMORY.replace("0:37 / ", "0:37 /docker/abc ");
    expect(findGroup("memory", mount, "8:memory:/docker/abc\n")).toEqual(["/sys/fs/cgroup/memory"]);
    expect(findGroup("memory", mount, "8:memory:/other\n")).toEqual(["/sys/fs/cgroup/memory"]);
  });

  test("finds nothing where the controller is not mounted", ({ expect }) => {
    expect(findGroup("memory", UNIFIED, "0::/\n")).toEqual([]);
  });
});

describe("Cgroup", () => {
  test("bounds memory and threads in the files of version 2", async ({ expect }) => {
    await using dir = await openTempDir();
    const group = new Cgroup({ version: 2, memoryDir: dir.path, pidsDir: dir.path });
    const read = (file: string) => readFile(path.join(dir.path, group.name, file), "utf8");
    expect(Number(await read("memory.max"))).toBe(768 * 1_048_576);
    expect(await read("memory.swap.max")).toBe("0");
    expect(Number(await read("pids.max"))).toBeGreaterThan(0);
    await group.add(7);
    expect(await read("cgroup.procs")).toBe("7");
  });

  test("tells from its events whether memory was used up", async ({ expect }) => {
    await using dir = await openTempDir();
    const group = new Cgroup({ version: 2, memoryDir: dir.path, pidsDir: dir.path });
    expect(group.wasOutOfMemory()).toBe(false);
    const events = path.join(dir.path, group.name, "memory.events");
    await writeFile(events, "low 0\nmax 12\noom 1\noom_kill 0\n");
    expect(group.wasOutOfMemory()).toBe(false);
    await writeFile(events, "low 0\nmax 12\noom 1\noom_kill 1\n");
    expect(group.wasOutOfMemory()).toBe(true);
  });
});
