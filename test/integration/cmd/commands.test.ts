import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { describe, test } from "vitest";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand, startCommand } from "./run-command.ts";

const CLOCK = "skills-registry/catalog/clock";

describe("nexflow", () => {
  test("--help and --version of the program and its commands end with 0", async ({ expect }) => {
    const version = await runCommand(["--version"]);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/u) });
    const helps = await Promise.all([
      runCommand(["--help"]),
      runCommand(["skill", "run", "--help"]),
    ]);
    expect(helps.map(({ code }) => code)).toEqual([0, 0]);
    expect(helps[0]?.stdout).toContain("Exit codes");
    expect(helps[1]?.stdout).toContain("--json");
  });

  test.for<[string[], string]>([
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["skill", "run", CLOCK], "--tool"],
    [["skill", "run", CLOCK, "--tool", "now", "--input", "{"], "expected JSON"],
    [["skill", "run", CLOCK, "--tool", "now", "--input", "@/no/such"], "a file that can be read"],
    [["serve", "--nope"], "--nope"],
  ])("%j ends with 2 and says why", async ([args, why], { expect }) => {
    const { code, stderr, stdout } = await runCommand(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(why);
  });

  test.for([
    [{ NEXFLOW_PORT: "many" }, "NEXFLOW_PORT"],
    [{ NEXFLOW_MODEL: "acme/one" }, "acme/one"],
    [{ NEXFLOW_ALLOW_MISSING_LAYERS: "no-such-layer" }, "no-such-layer"],
    [{ NEXFLOW_MODEL: "openai/gpt" }, "OPENAI_API_KEY"],
    [{ NEXFLOW_HOST: "0.0.0.0", NEXFLOW_ADMIN_TOKEN: "weak" }, "NEXFLOW_ADMIN_TOKEN"],
    [
      { NEXFLOW_PUBLIC_URL: "https://nexflow.example", NEXFLOW_ADMIN_TOKEN: "weak" },
      "NEXFLOW_ADMIN_TOKEN",
    ],
  ] as const)("serve with %j ends with 78 and says why", async ([env, why], { expect }) => {
    await using home = await openTempDir();
    const { code, stdout, stderr } = await runCommand(["serve"], {
      env: { NEXFLOW_HOME: home.path, ...env },
    });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain(why);
    expect(stderr).not.toContain("    at ");
  });

  test("a data directory that cannot be made is told at once", async ({ expect }) => {
    const args = [path.resolve(import.meta.dirname, "../../../src/nexflow.js"), "migrate"];
    const options = { env: { NEXFLOW_HOME: "/proc/nexflow" }, timeout: 20_000 };
    const failure: unknown = await promisify(execFile)(process.execPath, args, {
      ...options,
      // Node's own recursive mkdir does not return here, nor hear of other signals.
      killSignal: "SIGKILL",
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Cannot use the data directory "/proc/nexflow"'),
    });
  });

  test("a failure with --json is one line of JSON", async ({ expect }) => {
    const { code, stdout } = await runCommand(["login", "--json"], { env: { NEXFLOW_PORT: "x" } });
    expect(code).toBe(78);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "CONFIG_INVALID" } });
  });
});

describe("nexflow skill", () => {
  test("list tells skills and tools", async ({ expect }) => {
    const [text, json] = await Promise.all([
      runCommand(["skill", "list"]),
      runCommand(["skill", "list", "--json"]),
    ]);
    expect(text.stdout).toContain("clock.now");
    const { skills } = JSON.parse(json.stdout);
    expect(skills.map(({ name }: { name: string }) => name)).toContain("clock");
  });

  test("list tells skills that are text, and why one is none; check tells all faults", async ({
    expect,
  }) => {
    await using home = await openTempDir();
    const addSkill = async (folder: string, text: string) => {
      await mkdir(path.join(home.path, "skills", folder), { recursive: true });
      await writeFile(path.join(home.path, "skills", folder, "SKILL.md"), text);
    };
    await addSkill(
      "letters",
      "---\nname: letters\ndescription: Writes \u001b[31mletters.\n---\nDo.",
    );
    await addSkill("briefe", "---\nname: letters\ndescription: Schreibt Briefe.\n---\nTu.");
    await addSkill("broken", "no front matter");
    const env = { NEXFLOW_HOME: home.path };
    const folder = path.join(home.path, "skills", "briefe");
    const [text, json, wrong, right] = await Promise.all([
      runCommand(["skill", "list"], { env }),
      runCommand(["skill", "list", "--json"], { env }),
      runCommand(["skill", "check", folder]),
      runCommand(["skill", "check", CLOCK, "--json"]),
    ]);
    expect(text.stdout).toContain("not used: SKILL.md: found no front matter");
    expect(text.stdout).not.toContain("\u001b[31m");
    expect(JSON.parse(json.stdout).promptSkills).toMatchObject([
      { name: "letters", description: "Schreibt Briefe.", warnings: [expect.any(String)] },
      { folder: expect.stringContaining("broken"), fault: expect.any(String) },
      { name: "letters", fault: 'another skill is called "letters" already' },
    ]);
    expect([wrong.code, wrong.stdout.trim()]).toEqual([
      1,
      'SKILL.md: name: found "letters", expected "briefe", the folder\'s name',
    ]);
    expect([right.code, JSON.parse(right.stdout)]).toEqual([0, { ok: true, faults: [] }]);
  });

  test("run calls the tool in the sandbox, with input from all three sources", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    const file = path.join(dir.path, "input.json");
    await writeFile(file, '{"text":"Two words"}');
    const run = ["skill", "run", "skills-registry/catalog/text-tools", "--tool", "slug", "--json"];
    const results = await Promise.all([
      runCommand([...run, "--input", '{"text":"Two words"}']),
      runCommand([...run, "--input", `@${file}`]),
      runCommand([...run, "--input", "-"], { stdin: '{"text":"Two words"}' }),
    ]);
    for (const { code, stdout } of results) {
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({
        ok: true,
        output: expect.objectContaining({ slug: "two-words" }),
        usage: {
          wallMs: expect.any(Number),
          cpuMs: expect.any(Number),
          memoryMiB: expect.any(Number),
          outputBytes: expect.any(Number),
        },
      });
    }
  });

  test("run --trace tells what the skill asked for and what was decided", async ({ expect }) => {
    const run = ["skill", "run", CLOCK, "--tool", "now", "--trace", "--label", "traced"];
    const env = { NEXFLOW_SECRET_API_TOKEN: "hidden-from-traces" };
    const [text, json] = await Promise.all([
      runCommand(run, { env }),
      runCommand([...run, "--json"], { env }),
    ]);
    expect(text.stdout).toMatch(/ 1 {2}\w+ {2}allowed {2}\S+: grants\.clock {2}/u);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: true,
      trace: {
        policyHash: expect.stringMatching(/^[0-9a-f]{64}$/u),
        hostCalls: [{ seq: 1, decision: "allowed", rule: expect.stringContaining("grants.clock") }],
        logs: [],
      },
    });
    expect(text.stdout + json.stdout).not.toContain("hidden-from-traces");
  });

  test("run lets the policy decide that matches the call's label", async ({ expect }) => {
    const run = ["skill", "run", CLOCK, "--tool", "now", "--trace", "--json"];
    const results = await Promise.all([
      runCommand([...run, "--label", "offline"]),
      runCommand(run, { env: { NEXFLOW_POLICY_LABEL: "offline" } }),
    ]);
    for (const { code, stdout } of results) {
      expect(code).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        ok: false,
        trace: {
          hostCalls: [{ decision: "denied", rule: expect.stringMatching(/^offline\.yaml:/u) }],
        },
      });
    }
  });

  test("run ends with 1 and a typed error for a skill that misbehaves", async ({ expect }) => {
    await using dir = await openTempDir();
    const folder = await writeSkill(dir.path, "for (;;);");
    const policy = path.join(dir.path, "policy.yaml");
    await writeFile(policy, POLICY);
    const { code, stdout } = await runCommand([
      "skill",
      "run",
      folder,
      "--tool",
      "spin",
      "--policy",
      policy,
      "--json",
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching(/^(?:wall|cpu)-time$/u), limit: 150 },
      usage: { outputBytes: 0 },
    });
  });

  test("run tells what is wrong with a skill or a policy that cannot be used", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    const [skill, policy] = await Promise.all([
      runCommand(["skill", "run", dir.path, "--tool", "x", "--json"]),
      runCommand(["skill", "run", CLOCK, "--tool", "now", "--policy", "package.json", "--json"]),
    ]);
    expect(skill.code).toBe(1);
    expect(JSON.parse(skill.stdout)).toMatchObject({ ok: false, error: { code: "invalid-skill" } });
    expect(policy.code).toBe(78);
    expect(JSON.parse(policy.stdout)).toMatchObject({ error: { code: "CONFIG_INVALID" } });
  });
});

describe("nexflow migrate", () => {
  test("makes the schema once; --status tells before and after", async ({ expect }) => {
    await using home = await openTempDir();
    const migrate = async (...args: string[]) => {
      const env = { NEXFLOW_HOME: home.path };
      return JSON.parse((await runCommand(["migrate", "--json", ...args], { env })).stdout);
    };
    const before = await migrate("--status");
    expect(before).toMatchObject({ applied: [] });
    expect(await migrate()).toEqual({ applied: before.pending });
    expect(await migrate()).toEqual({ applied: [] });
    expect(await migrate("--status")).toEqual({ applied: before.pending, pending: [] });
  });
});

describe("nexflow doctor", () => {
  test("checks this machine and gives a remedy for what fails", async ({ expect }) => {
    await using home = await openTempDir();
    const server = createServer((_, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const env = { NEXFLOW_HOME: home.path, NEXFLOW_PORT: String(port) };
    const { code, stdout } = await runCommand(["doctor", "--json"], { env });
    server.close();
    const { ok, checks } = JSON.parse(stdout);
    const byName = new Map<string, object>(
      checks.map((check: { name: string }) => [check.name, check]),
    );
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(byName.get("Node")).toMatchObject({ state: "ok" });
    expect(byName.get("Binary isolated-vm")).toMatchObject({ state: "ok" });
    expect(byName.get("Program")).toMatchObject({ state: "ok", detail: "built" });
    expect(byName.get("Port")).toMatchObject({
      state: "fail",
      detail: expect.stringContaining("taken by another program"),
      remedy: expect.stringContaining("NEXFLOW_PORT"),
    });
  });

  test("tells of a configuration, a model and a directory that cannot be used", async ({
    expect,
  }) => {
    await using home = await openTempDir();
    await writeFile(path.join(home.path, "nexflow.db"), "not a database at all, but long enough");
    const [config, rest] = await Promise.all([
      runCommand(["doctor"], { env: { NEXFLOW_PORT: "x" } }),
      runCommand(["doctor"], {
        env: {
          NEXFLOW_HOME: home.path,
          NEXFLOW_PORT: "0",
          NEXFLOW_MODEL: "openai/x",
          OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
        },
      }),
    ]);
    expect(config).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("FAIL  Configuration"),
    });
    expect(rest.stdout).toMatch(/^FAIL {2}Database: .*\n {6}-> /mu);
    expect(rest.stdout).toMatch(/^FAIL {2}Model: openai\/x: .* cannot be reached\n {6}-> /mu);
  });
});

describe("nexflow serve", () => {
  test("prints the address and, at the first start only, a link that logs in", async ({
    expect,
  }) => {
    await using home = await openTempDir();
    const env = { NEXFLOW_HOME: home.path, NEXFLOW_PORT: "0" };
    for (const isFirst of [true, false]) {
      const server = startCommand(["serve", "--json"], { env });
      const ready = JSON.parse(await server.line('"kind":"ready"'));
      expect(ready).toMatchObject({ model: "offline/rules", homeDir: home.path });
      if (isFirst) {
        const token = new URL(ready.loginUrl).hash.slice("#token=".length);
        const response = await fetch(`${ready.url}/api/v1/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ token }),
        });
        expect(response.status).toBe(204);
      } else {
        expect(ready).not.toHaveProperty("loginUrl");
      }
      server.process.kill("SIGTERM");
      expect((await server.ended).code).toBe(0);
    }
  });
});

const POLICY = `apiVersion: nexflow.dev/sandbox/v1
kind: SandboxPolicy
metadata: { name: short, priority: 0 }
match: { trust: [first-party, verified, community], skills: ["*"] }
mode: enforce
ceiling:
  { wallMs: 150, cpuMs: 150, memoryMiB: 64, outputKiB: 64, logKiB: 64, queueMs: 10000,
    hostCalls: { total: 10, perSecond: 10, atOnce: 1 }, concurrency: { perSkill: 1, perUser: 1 } }
grants: {}
`;

async function writeSkill(dir: string, body: string): Promise<string> {
  const folder = path.join(dir, "spinner");
  await mkdir(folder);
  const manifest = {
    name: "spinner",
    version: "1.0.0",
    runtime: "isolate",
    entry: "index.js",
    tools: [{ name: "spin", description: "Spins", input: { type: "object" }, effects: ["read"] }],
  };
  await Promise.all([
    writeFile(path.join(folder, "nexflow.json"), JSON.stringify(manifest)),
    writeFile(
      path.join(folder, "SKILL.md"),
      "---\nname: spinner\ndescription: Spins\n---\nSpins.\n",
    ),
    writeFile(path.join(folder, "index.js"), `export async function run() { ${body} }\n`),
  ]);
  return folder;
}
