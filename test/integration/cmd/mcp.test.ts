import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { describe, test } from "vitest";
import { stringify } from "yaml";
import { findFreePort } from "../../support/free-port.ts";
import { entryOf } from "../../support/mcp.ts";
import { McpHttpServer } from "../../support/mcp-http-server.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

const SECRET = "cnry-secret-0123456789";
const PLAIN = "cnry-plain-0123456789";

async function openHome(servers: object) {
  const dir = await openTempDir();
  const write = (all: object) =>
    writeFile(
      path.join(dir.path, "mcp.yaml"),
      stringify({ servers: all }, { aliasDuplicateObjects: false }),
    );
  await write(servers);
  const env = { NEXFLOW_HOME: dir.path, NEXFLOW_SECRET_API_TOKEN: SECRET };
  return {
    path: dir.path,
    write,
    run: (...args: readonly string[]) => runCommand(["mcp", ...args], { env }),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** A web server that answers everything so. */
async function openWeb(status: number, text: string) {
  const server = createServer((_request, response) => response.writeHead(status).end(text));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A program that says that and ends. */
const saying = (words: string) => ({ command: "/bin/sh", args: ["-c", `${words}; exit 3`] });

describe("nexflow mcp", () => {
  test("list tells how each server stands and what it offers", async ({ expect }) => {
    await using web = await McpHttpServer.open();
    const headers = { Authorization: { prefix: "Bearer ", secret: "API_TOKEN" } };
    await using home = await openHome({
      plain: entryOf("plain", "", {
        believeHints: true,
        approvals: { external: "ask", tools: { die: "deny" } },
      }),
      web: { url: `${web.url}?key=${PLAIN}`, headers },
      lost: { command: "no-such-program" },
      resting: { ...entryOf("plain"), enabled: false },
    });
    const { code, stdout } = await home.run("list", "--json");
    expect(code).toBe(0);
    const { servers } = JSON.parse(stdout);
    expect(servers).toMatchObject([
      { name: "plain", kind: "stdio", isEnabled: true, state: { kind: "connected" } },
      { name: "web", kind: "http", target: web.url, state: { kind: "connected" } },
      {
        name: "lost",
        state: { kind: "failed", message: 'There is no program "no-such-program" in its PATH' },
        tools: [],
      },
      { name: "resting", isEnabled: false, state: { kind: "not-tried" } },
    ]);
    const tools = new Map(
      servers[0].tools.map((tool: { name: string }) => [tool.name, tool] as const),
    );
    expect(tools.get("mcp-plain.add")).toMatchObject({
      description: "Adds two numbers",
      effects: ["read"],
      decision: "allow",
      pin: "unseen",
    });
    expect(tools.get("mcp-plain.pid")).toMatchObject({ effects: ["external"], decision: "ask" });
    expect(tools.get("mcp-plain.die")).toMatchObject({ decision: "deny" });

    const text = await home.run("list");
    expect(text.stdout).toMatch(/^plain \(stdio, .*\): connected in \d+ ms, 10 tools$/mu);
    expect(text.stdout).toMatch(/^ {2}mcp-plain\.add +read +allow +not seen yet +Adds two/mu);
    expect(text.stdout).toContain('failed: There is no program "no-such-program" in its PATH');
    expect(text.stdout).toContain("not tried, disabled in mcp.yaml");
    expect(stdout + text.stdout).not.toContain("cnry");
    expect(new Set(web.authorizations)).toEqual(new Set([`Bearer ${SECRET}`]));
  });

  test("tells tools that are as they were when the agent first saw them from others", async ({
    expect,
  }) => {
    const mode = (name: string) => ({ steady: entryOf("hostile", name) });
    await using home = await openHome(mode("none"));
    await using server = await startNexflow({ homeDir: home.path });
    const seen = await home.run("test", "steady", "--json");
    expect(JSON.parse(seen.stdout).tools).toMatchObject([
      { name: "mcp-steady.run", pin: "same" },
      { name: "mcp-steady.other", pin: "same" },
    ]);
    await server.stop();
    await home.write({ steady: entryOf("hostile", "many") });
    const now = await home.run("test", "steady");
    expect(now.code).toBe(0);
    expect(now.stdout).toMatch(/mcp-steady\.tool-0 .* new /u);
    expect(now.stdout).toContain('raise "accept" in mcp.yaml');
    expect(now.stdout).toContain("left out: expected at most 128 tools");
  });

  test("a server that is a program has nothing of this environment here either", async ({
    expect,
  }) => {
    await using home = await openHome({});
    const file = path.join(home.path, "environment");
    const env = { GIVEN: { value: "yes" }, TOKEN: { secret: "API_TOKEN" } };
    await home.write({ nosy: { ...saying(`/usr/bin/env > ${file}`), env } });
    expect((await home.run("test", "nosy")).code).toBe(1);
    const lines = (await readFile(file, "utf8")).trim().split("\n");
    const names = lines.map((line) => line.slice(0, line.indexOf("=")));
    expect(names).toEqual(expect.arrayContaining(["GIVEN", "PATH", "TOKEN"]));
    expect(names.filter((name) => name.startsWith("NEXFLOW") || name === "HOME")).toEqual([]);
  });

  test("says in one sentence what is wrong, without a secret", async ({ expect }) => {
    await using refusing = await openWeb(401, `Bad token ${SECRET}`);
    await using absent = await openWeb(404, "Nothing here");
    await using failing = await openWeb(503, "Later");
    await using page = await openWeb(200, `<html>${SECRET} ${PLAIN}</html>`);
    const nobody = await findFreePort();
    const headers = { Authorization: { prefix: "Bearer ", secret: "API_TOKEN" } };
    const cases: Readonly<Record<string, readonly [object, RegExp]>> = {
      refused: [{ url: refusing.url, headers }, /refuses what "headers" show it \(status 401\)$/mu],
      absent: [
        { url: absent.url },
        /There is no MCP server at this address of .* \(status 404\)$/mu,
      ],
      failing: [{ url: failing.url }, /answers with status 503$/mu],
      page: [
        { url: page.url, headers: { "X-Key": { value: PLAIN } } },
        /does not answer as an MCP/u,
      ],
      nobody: [{ url: `http://127.0.0.1:${nobody}/` }, /Nobody listens at 127\.0\.0\.1:\d+$/mu],
      barred: [{ url: "http://127.0.0.1:1/" }, /cannot be reached: bad port$/mu],
      far: [{ url: "http://192.0.2.1/mcp", headers }, /Cannot send a secret over http/u],
      unset: [
        { ...entryOf("plain"), env: { T: { secret: "UNSET" } } },
        /Cannot use the secret "UNSET": set NEXFLOW_SECRET_UNSET$/mu,
      ],
      nowhere: [{ ...entryOf("plain"), cwd: "/no/such/folder" }, /There is no folder "\/no\/such/u],
      ended: [
        {
          ...saying('echo "Bad $TOKEN and $API_KEY" >&2'),
          env: { TOKEN: { secret: "API_TOKEN" }, API_KEY: { value: PLAIN } },
        },
        /ended before it had answered; the last it said was: Bad \[redacted\] and \[redacted\]$/mu,
      ],
    };
    const entries = Object.entries(cases);
    await using home = await openHome(
      Object.fromEntries(entries.map(([name, [entry]]) => [name, entry])),
    );
    for (const [name, [, message]] of entries) {
      const { code, stdout, stderr } = await home.run("test", name);
      expect(code, name).toBe(1);
      expect(stdout, name).toMatch(message);
      expect(stdout.trim().split("\n"), name).toHaveLength(1);
      expect(stdout + stderr, name).not.toContain("cnry");
      expect(stderr, name).toBe("");
    }
    const json = await home.run("test", "ended", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ name: "ended", state: { kind: "failed" } });
    expect(json.stdout).not.toContain("cnry");
  });

  test.for<[string, object, string, number, RegExp]>([
    [
      "a server that is not there",
      { a: { command: "x" } },
      "b",
      1,
      /no server "b" in mcp.yaml: expected one of a/u,
    ],
    ["a server where there is none", {}, "b", 1, /it has none; add one to \/.+mcp\.yaml, as/u],
    ["a file that is wrong", { a: { command: 7 } }, "a", 78, /mcp\.yaml:\d+:\d+: /u],
  ])("%s: ends with its code", async ([, servers, name, code, message], { expect }) => {
    await using home = await openHome(servers);
    const result = await home.run("test", name);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
  });
});
