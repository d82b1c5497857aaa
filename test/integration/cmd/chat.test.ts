import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand, startCommand } from "./run-command.ts";

let server: RunningNexflow;
beforeAll(async () => {
  server = await startNexflow();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("nexflow chat", () => {
  test("answers what is piped in, the answer alone on standard output", async ({ expect }) => {
    const env = clientEnv(server);
    const { code, stdout, stderr } = await runCommand(["chat"], {
      env,
      stdin: "/calculator 2+2\n",
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "2+2 = 4\n" });
    expect(stderr).toMatch(/^\[calculator\.evaluate\] .* -> .*"4"/u);
  });

  test("goes on with a session and shows what was said", async ({ expect }) => {
    const env = clientEnv(server);
    await runCommand(["chat"], { env, stdin: "/calculator 20+2" });
    const { sessions } = JSON.parse(
      (await runCommand(["chat", "--list", "--json"], { env })).stdout,
    );
    expect(sessions[0]).toMatchObject({ title: "/calculator 20+2" });
    const args = ["chat", "--session", sessions[0].id];
    const { stdout, stderr } = await runCommand(args, { env, stdin: "/calculator 3*3" });
    expect(stderr).toContain("> /calculator 20+2");
    expect(stderr).toContain("20+2 = 22");
    expect(stdout).toBe("3*3 = 9\n");
    const list = await runCommand(["chat", "--list"], { env });
    expect(list.stdout.split("\n")[0]).toContain(sessions[0].id);
  });

  test("logs in by itself beside a server on the same data directory", async ({ expect }) => {
    const { NEXFLOW_TOKEN: _, ...env } = clientEnv(server);
    const local = { ...env, NEXFLOW_HOME: server.homeDir };
    const { code, stdout } = await runCommand(["chat"], { env: local, stdin: "/calculator 1+1" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "1+1 = 2\n" });
    const login = await runCommand(["login"], { env: local });
    const token = login.stdout.trim().split("#token=")[1] ?? "";
    const come = () =>
      fetch(`${server.url}/api/v1/login`, { method: "POST", body: JSON.stringify({ token }) });
    expect((await come()).status).toBe(204);
    expect((await come()).status).toBe(401);
    const me = await fetch(`${server.url}/api/v1/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(me.status).toBe(401);
  });

  test("gives a token of the data directory to no other server", async ({ expect }) => {
    const env = { NEXFLOW_HOME: server.homeDir, NEXFLOW_PORT: String(server.port) };
    const { code, stderr } = await runCommand(["chat", "--url", server.url], { env, stdin: "x" });
    expect(code).toBe(1);
    expect(stderr).toContain("NEXFLOW_TOKEN");
  });

  test("tells what to do when nobody answers or the token is wrong", async ({ expect }) => {
    await using home = await openTempDir();
    const [nobody, wrong] = await Promise.all([
      runCommand(["chat", "--url", "http://127.0.0.1:9"], { env: { NEXFLOW_HOME: home.path } }),
      runCommand(["chat"], { env: { ...clientEnv(server), NEXFLOW_TOKEN: "wrong" }, stdin: "x" }),
    ]);
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('"nexflow serve"') });
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("refused the token") });
  });

  test("stops the answer at the first SIGINT and says so", async ({ expect }) => {
    await using model = await openModel(() => undefined);
    await using busy = await startNexflow({ env: model.env });
    const chat = startCommand(["chat", "--json"], { env: clientEnv(busy), stdin: "hello" });
    await chat.line("RUN_STARTED");
    chat.process.kill("SIGINT");
    const { code, stdout } = await chat.ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/"RUN_FINISHED".*"cancelled"/u);
  });

  test("ends with 1 when the answer fails", async ({ expect }) => {
    await using model = await openModel((response) => response.destroy());
    await using busy = await startNexflow({ env: model.env });
    const { code, stderr } = await runCommand(["chat"], { env: clientEnv(busy), stdin: "hello" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Failed: .*openai\/test/mu);
  });

  test("gives the answer whole and once though the server dies in the middle of it", async ({
    expect,
  }) => {
    const begun = Promise.withResolvers<void>();
    await using model = await openModel((response, attempt) => {
      response.write(chunk("Hello brave "));
      if (attempt === 1) begun.resolve();
      else response.end(`${chunk("new world")}${END}`);
    });
    await using home = await openTempDir();
    const where = { homeDir: home.path, port: await findFreePort(), env: model.env };
    const first = await startNexflow(where);
    const chat = startCommand(["chat"], { env: clientEnv(first), stdin: "hello" });
    await begun.promise;
    await first.kill();
    await using _second = await startNexflow(where);
    const { code, stdout, stderr } = await chat.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Hello brave new world\n" });
    expect(stderr).toContain("(connection lost)");
  });
});

function clientEnv(server: { port: number; token: string }) {
  return {
    NEXFLOW_PORT: String(server.port),
    NEXFLOW_TOKEN: server.token,
    NEXFLOW_HOME: "/nonexistent",
  };
}

/** uWebSockets.js cannot take a port again at once that it got by asking for port 0. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A model service that answers as `answer` wants. */
async function openModel(answer: (response: ServerResponse, attempt: number) => unknown) {
  let attempt = 0;
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/event-stream");
    response.flushHeaders();
    attempt += 1;
    answer(response, attempt);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: { NEXFLOW_MODEL: "openai/test", OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1` },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function chunk(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;
}

const END = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;
