import type { ServerResponse } from "node:http";
import { describe, test } from "vitest";
import { inspectMcpServer } from "#infrastructure/mcp/inspect-mcp.ts";
import { createReportMasker } from "#infrastructure/mcp/mask-report.ts";
import { type McpServerSettings, mcpSettingsSchema } from "#infrastructure/mcp/mcp-settings.ts";
import { openTestMcp } from "../../support/mcp.ts";
import { McpHttpServer } from "../../support/mcp-http-server.ts";

const SECRETS = { API_TOKEN: "very-secret-value" };
const headers = { Authorization: { prefix: "Bearer ", secret: "API_TOKEN" } };
const approvals = { external: "allow" };

test("a server over HTTP is called with its headers, and held to the same bounds", async ({
  expect,
}) => {
  await using web = await McpHttpServer.open();
  const servers = { web: { url: web.url, headers, approvals, timeoutMs: 5_000 } };
  await using mcp = await openTestMcp({ servers, secrets: SECRETS });
  expect(await mcp.call("mcp-web", "run")).toMatchObject({ outcome: { output: "ran" } });
  expect(new Set(web.authorizations)).toEqual(new Set(["Bearer very-secret-value"]));
  const before = process.memoryUsage().rss;
  for (const tool of ["long", "stream"]) {
    const { outcome } = await mcp.call("mcp-web", tool);
    expect(outcome.kind).toBe("error");
    expect(JSON.stringify(outcome)).not.toContain("very-secret-value");
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  const { outcome } = await mcp.call("mcp-web", "elsewhere");
  expect(outcome).toMatchObject({ kind: "error", code: "tool-error" });
  expect(await mcp.call("mcp-web", "run")).toMatchObject({ outcome: { output: "ran" } });
});

describe("a server's session", () => {
  const parse = (url: string) =>
    mcpSettingsSchema.parse({ servers: { web: { url } } }).servers["web"] as McpServerSettings;
  const masker = createReportMasker({ servers: {} }, []);
  const deps = { secrets: {}, masker, listPins: async () => ({}) };

  test("ends with the connection", async ({ expect }) => {
    await using web = await McpHttpServer.open();
    {
      await using mcp = await openTestMcp({ servers: { web: { url: web.url, approvals } } });
      expect(mcp.toolsOf("mcp-web")).not.toEqual([]);
      expect(web.sessions.size).toBe(1);
    }
    expect(web.sessions.size).toBe(0);
  });

  test("ends where the server was only looked at", async ({ expect }) => {
    await using web = await McpHttpServer.open();
    const report = await inspectMcpServer("web", parse(web.url), deps);
    expect(report.state.kind).toBe("connected");
    expect(web.authorizations.length).toBeGreaterThan(0);
    expect(web.sessions.size).toBe(0);
  });

  test.for<[string, (response: ServerResponse) => void]>([
    ["refuses", (response) => void response.writeHead(500).end()],
    ["says nothing", () => undefined],
    ["breaks off", (response) => void response.destroy()],
  ])("holds nobody up where the server %s", async ([, onEnd], { expect }) => {
    await using web = await McpHttpServer.open();
    web.onEnd = onEnd;
    const startedAtMs = performance.now();
    const report = await inspectMcpServer("web", parse(web.url), deps);
    expect(report.state.kind).toBe("connected");
    expect(performance.now() - startedAtMs).toBeLessThan(8_000);
  });
});

test("no secret goes over http to another machine", async ({ expect }) => {
  const servers = { far: { url: "http://192.0.2.1/mcp", headers, approvals } };
  await using mcp = await openTestMcp({ servers, secrets: SECRETS });
  expect(mcp.source().listSkills()).toEqual([]);
});
