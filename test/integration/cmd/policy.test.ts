import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "vitest";
import { policyText } from "../../support/policies.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

const SHIPPED = ["learning", "offline", "trusted", "default"];
const CLOCK = "skills-registry/catalog/clock";

describe("nexflow policy", () => {
  test("check finds the shipped policies good", async ({ expect }) => {
    const [text, json] = await Promise.all([
      runCommand(["policy", "check"]),
      runCommand(["policy", "check", "sandbox-policies/default.yaml", "--json"]),
    ]);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    for (const name of SHIPPED) expect(text.stdout).toContain(`ok    ${name}.yaml (${name})`);
    expect(json.code).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      policies: [{ name: "default", file: "default.yaml", priority: 0, mode: "enforce" }],
      faults: [],
    });
  });

  test("check ends with 78 and tells every fault of every file, with its line", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    const one = path.join(dir.path, "one.yaml");
    const two = path.join(dir.path, "two.yaml");
    await writeFile(one, policyText({ name: "one" }).replace("wallMs: 1000", "wallMs: 0"));
    await writeFile(two, policyText({ name: "two", grants: "{ shell: true }" }));
    const [folder, files, nowhere] = await Promise.all([
      runCommand(["policy", "check", dir.path]),
      runCommand(["policy", "check", one, two, "--json"]),
      runCommand(["policy", "check", path.join(dir.path, "nowhere")]),
    ]);
    expect(folder.code).toBe(78);
    expect(folder.stdout).toContain("FAIL  one.yaml:7:3: ceiling.wallMs: found 0, expected");
    expect(folder.stdout).toContain("FAIL  two.yaml:15:11: grants.shell: unknown property");
    expect(files.code).toBe(78);
    expect(JSON.parse(files.stdout)).toMatchObject({
      ok: false,
      faults: [
        expect.stringContaining("one.yaml:7:3: "),
        expect.stringContaining("two.yaml:15:11: "),
      ],
    });
    expect(nowhere).toMatchObject({ code: 78, stdout: expect.stringContaining("Cannot read") });
  });

  test("list tells the policies, most important first", async ({ expect }) => {
    await using dir = await openTempDir();
    await writeFile(path.join(dir.path, "mine.yaml"), policyText({ name: "mine" }));
    const [json, text, none] = await Promise.all([
      runCommand(["policy", "list", "--json"]),
      runCommand(["policy", "list", "--policy", dir.path]),
      runCommand(["policy", "list"], { env: { NEXFLOW_POLICY_DIR: "/nowhere" } }),
    ]);
    const { policies } = JSON.parse(json.stdout);
    expect(policies.map(({ name }: { name: string }) => name)).toEqual(SHIPPED);
    expect(text.stdout).toContain("mine.yaml");
    expect(none).toMatchObject({ code: 78, stderr: expect.stringContaining('"/nowhere"') });
  });

  test("explain tells the lines that decide, for a skill by name or folder", async ({ expect }) => {
    const [byName, byFolder] = await Promise.all([
      runCommand(["policy", "explain", "clock", "--tool", "now"]),
      runCommand(["policy", "explain", CLOCK, "--label", "offline", "--call", "now", "--json"]),
    ]);
    expect(byName.code).toBe(0);
    expect(byName.stdout).toMatch(/^clock\.now \S+ \(first-party\)$/mu);
    expect(byName.stdout).toContain("Policy trusted (trusted.yaml) decides");
    expect(byName.stdout).toMatch(/^clock +allowed +trusted\.yaml:\d+: grants\.clock/mu);
    expect(byName.stdout).toMatch(/^call now +allowed +trusted\.yaml:\d+: approvals\.read/mu);
    expect(byName.stdout).toContain("Reaches\n  the clock\n");
    expect(byName.stdout).toMatch(/^ {2}not default .*"trusted" has the higher priority$/mu);
    expect(byFolder.code).toBe(0);
    expect(JSON.parse(byFolder.stdout)).toMatchObject({
      skill: { name: "clock", trust: "first-party" },
      rights: { policy: { name: "offline" }, hash: expect.stringMatching(/^[0-9a-f]{64}$/u) },
      call: {
        ruling: {
          verdict: "denied",
          rule: expect.stringMatching(/^offline\.yaml:\d+: grants\.clock$/u),
        },
      },
    });
  });

  test("explain tells what becomes of a request", async ({ expect }) => {
    await using dir = await openTempDir();
    const folder = path.join(dir.path, "clock");
    await cp(CLOCK, folder, { recursive: true });
    const manifest = JSON.parse(await readFile(path.join(folder, "nexflow.json"), "utf8"));
    const http = { host: "api.example.org", methods: ["GET"], paths: ["/"], reason: "to test it" };
    manifest.capabilities = { http: [http] };
    await writeFile(path.join(folder, "nexflow.json"), JSON.stringify(manifest));
    const policies = path.join(dir.path, "policies");
    await mkdir(policies);
    const rule = "{ host: api.example.org, methods: [GET], paths: [/v1] }";
    const grants = `{ http: { allow: [${rule}] } }`;
    await writeFile(path.join(policies, "net.yaml"), policyText({ name: "net", grants }));
    const explain = (call: string) =>
      runCommand(["policy", "explain", folder, "--policy", policies, "--call", call]);
    const [allowed, denied] = await Promise.all([
      explain("GET https://api.example.org/v1/x"),
      explain("GET https://api.example.org/v2"),
    ]);
    expect(allowed.stdout).toContain(
      "GET https://api.example.org/v1/x: allowed by net.yaml:15: grants.http.allow.0",
    );
    expect(denied.stdout).toContain(
      "GET https://api.example.org/v2: denied by net.yaml:15: grants.http.allow",
    );
  });

  test.for<[string[], string]>([
    [["explain", "nothing"], 'expected a name that "skill list" tells'],
    [["explain", "clock", "--tool", "strike"], "expected one of now"],
    [["explain", "clock", "--call", "shell"], 'expected "<METHOD> <URL>" or a host function'],
    [["explain"], "missing required argument"],
    [["diff", "sandbox-policies"], "missing required argument"],
  ])("%j ends with 2 and says why", async ([args, why], { expect }) => {
    const { code, stderr } = await runCommand(["policy", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });

  test("diff tells what is allowed and denied, for files and folders", async ({ expect }) => {
    const [files, same, broken] = await Promise.all([
      runCommand([
        "policy",
        "diff",
        "sandbox-policies/default.yaml",
        "sandbox-policies/offline.yaml",
      ]),
      runCommand(["policy", "diff", "sandbox-policies", "sandbox-policies", "--json"]),
      runCommand(["policy", "diff", "sandbox-policies", "package.json"]),
    ]);
    expect(files.code).toBe(0);
    expect(files.stdout).toMatch(/^Denied now\n {2}offline {2}clock {2,}default\.yaml:\d+: /mu);
    expect(files.stdout).not.toContain("Allowed now");
    expect(JSON.parse(same.stdout)).toEqual({
      allowedNow: [],
      deniedNow: [],
      raised: [],
      lowered: [],
      otherwise: [],
    });
    expect(broken).toMatchObject({ code: 78, stderr: expect.stringContaining("package.json:") });
  });
});
