import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type ExpectStatic, test } from "vitest";
import { stringify } from "yaml";
import { McpHttpServer } from "../../support/mcp-http-server.ts";
import { SessionClient } from "../../support/session-client.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const THREADS = 2;
/** A stop waits for seconds where it must, and not for an MCP server that says nothing. */
const MAX_STOP_MS = 15_000;

/** A running server whose agent threads all know of `web`. */
async function startWith(web: McpHttpServer, homeDir: string) {
  const servers = { web: { url: web.url } };
  await writeFile(path.join(homeDir, "mcp.yaml"), stringify({ servers }));
  const env = { NEXFLOW_AGENT_THREADS: String(THREADS), NEXFLOW_SANDBOX_PROCESSES: "1" };
  return startNexflow({ homeDir, env });
}

const untilAllHaveSessions = (web: McpHttpServer, expect: ExpectStatic) =>
  expect.poll(() => web.sessions.size, { timeout: 10_000 }).toBe(THREADS);

test("a server that is stopped ends its sessions at MCP servers", async ({ expect }) => {
  await using web = await McpHttpServer.open();
  await using dir = await openTempDir();
  await using server = await startWith(web, dir.path);
  await untilAllHaveSessions(web, expect);
  const { state } = await new SessionClient(server).say("/mcp-web.run {}");
  expect(state).toBe("waiting");
  expect(web.ended).toBe(0);
  expect(await server.stop()).toBe(0);
  expect([web.ended, web.sessions.size]).toEqual([THREADS, 0]);
});

test("an MCP server that never answers holds up no stop", async ({ expect }) => {
  await using web = await McpHttpServer.open();
  await using dir = await openTempDir();
  await using server = await startWith(web, dir.path);
  await untilAllHaveSessions(web, expect);
  web.onEnd = () => undefined;
  const startedAtMs = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(MAX_STOP_MS);
  // Both were told, and neither was answered.
  expect([web.ended, web.sessions.size]).toEqual([THREADS, THREADS]);
});

test("one that does not even greet holds up no stop either", async ({ expect }) => {
  await using web = await McpHttpServer.open();
  await using dir = await openTempDir();
  web.isSilent = true;
  await using server = await startWith(web, dir.path);
  await expect.poll(() => web.authorizations.length, { timeout: 10_000 }).toBe(THREADS);
  const startedAtMs = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(MAX_STOP_MS);
});
