import { describe, test } from "vitest";
import {
  type LauncherTools,
  type LaunchPlan,
  toLauncher,
} from "../../../../runtime/supervisor/layers/launcher.ts";

const TOOLS: LauncherTools = {
  unshare: "/usr/bin/unshare",
  setpriv: "/usr/bin/setpriv",
  prlimit: "/usr/bin/prlimit",
};

/** The programs of the launcher, each with its arguments. */
function stepsOf(plan: LaunchPlan, tools: LauncherTools = TOOLS): readonly string[] {
  return toLauncher(plan, tools).join(" ").split(" --").join(" -").split(" - ").filter(Boolean);
}

function programsOf(plan: LaunchPlan, tools?: LauncherTools): readonly string[] {
  return stepsOf(plan, tools).map((step) => step.split(" ")[0] ?? "");
}

describe("toLauncher()", () => {
  test("is empty where nothing is planned or no tool is there", ({ expect }) => {
    expect(toLauncher({}, TOOLS)).toEqual([]);
    const plan = { namespaces: { user: true, pid: false }, privileges: "dropped" } as const;
    expect(toLauncher({ ...plan, hasRlimits: true }, {})).toEqual([]);
  });

  test("becomes another user before it makes a user namespace", ({ expect }) => {
    const namespaces = { user: true, pid: true };
    const plan = { userId: 60_602, namespaces, privileges: "dropped", hasRlimits: true } as const;
    expect(programsOf(plan)).toEqual([
      "/usr/bin/setpriv",
      "/usr/bin/unshare",
      "/usr/bin/setpriv",
      "/usr/bin/prlimit",
    ]);
    expect(toLauncher(plan, TOOLS).slice(0, 6)).toEqual([
      "/usr/bin/setpriv",
      "--reuid=60602",
      "--regid=60602",
      "--clear-groups",
      "--pdeathsig",
      "KILL",
    ]);
  });

  test("makes other namespaces as root and becomes another user after that", ({ expect }) => {
    const plan = {
      userId: 60_602,
      namespaces: { user: false, pid: false },
      privileges: "dropped",
    } as const;
    expect(programsOf(plan)).toEqual(["/usr/bin/unshare", "/usr/bin/setpriv"]);
    expect(toLauncher(plan, TOOLS)).not.toContain("--user");
  });

  test("ends with the server in a PID namespace, whose first process ignores signals", ({
    expect,
  }) => {
    const launcher = toLauncher({ namespaces: { user: true, pid: true } }, TOOLS);
    expect(launcher.slice(0, 4)).toEqual(["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"]);
    expect(launcher).toContain("--kill-child");
  });

  test("gives back by Landlock what is named, and takes every other file", ({ expect }) => {
    const files = { programs: ["/usr/bin/node"], readable: ["/srv/host"] };
    expect(toLauncher({ files }, TOOLS)).toEqual([
      "/usr/bin/setpriv",
      "--landlock-access",
      "fs",
      "--landlock-rule",
      "path-beneath:execute,read-file:/usr/bin/node",
      "--landlock-rule",
      "path-beneath:read-file,read-dir:/srv/host",
      "--",
    ]);
  });
});
