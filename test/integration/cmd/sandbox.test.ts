import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

describe("nexflow sandbox prove", () => {
  test("shows each attack of a group, the end and the versions", async ({ expect }) => {
    const { code, stdout } = await runCommand(["sandbox", "prove", "--group", "state-leak"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^GROUP +ATTACK +EXPECTED +HAPPENED +MS\n/u);
    expect(stdout).toMatch(/^state-leak +leaves-state-for-the-next-call +ok +ok +\d+ +held$/mu);
    expect(stdout).toMatch(/^(?<all>\d+) of \k<all> attacks held, \d+ s$/mu);
    expect(stdout).toMatch(/^node \d+\.\d+\.\d+, v8 .+, isolated-vm \d+/mu);
  });

  test("writes one object with --json", async ({ expect }) => {
    const { code, stdout } = await runCommand(["sandbox", "prove", "--group", "output", "--json"]);
    expect(code).toBe(0);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: true, breached: 0, versions: { node: expect.any(String) } });
    expect(report).toHaveProperty(
      "attacks",
      expect.arrayContaining([
        expect.objectContaining({
          group: "output",
          name: "returns-a-cycle",
          expected: ["invalid-output"],
          outcomes: ["invalid-output"],
          faults: [],
        }),
      ]),
    );
  });

  test("ends with 2 where there is no such group and with 78 where there is no policy", async ({
    expect,
  }) => {
    const [group, policy] = await Promise.all([
      runCommand(["sandbox", "prove", "--group", "weather"]),
      runCommand(["sandbox", "prove", "--policy", "docs"]),
    ]);
    expect(group).toMatchObject({ code: 2, stdout: "" });
    expect(group.stderr).toContain("state-leak");
    expect(policy).toMatchObject({ code: 78, stdout: "" });
    expect(policy.stderr).toContain("expected at least one .yaml file");
  });

  test("ends with 78 where the policies let no innocent skill work", async ({ expect }) => {
    await using dir = await openTempDir();
    const shipped = await readFile("sandbox-policies/default.yaml", "utf8");
    const strict = shipped.replace(/trust: \[.*\]/u, "trust: [first-party]");
    await writeFile(path.join(dir.path, "strict.yaml"), strict);
    const { code, stdout, stderr } = await runCommand(["sandbox", "prove", "--policy", dir.path]);
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain('Cannot prove the sandbox: before any attack a call of "neighbour');
  });
});
