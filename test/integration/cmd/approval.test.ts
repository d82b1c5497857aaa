import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import { OutsideServer, plantLeakySkills } from "../../support/leaky-skills.ts";
import { call, ObeyingModel, type OrderedCall, order } from "../../support/obeying-model.ts";
import { SessionClient } from "../../support/session-client.ts";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "./run-command.ts";

const MAIN = fileURLToPath(new URL("../../../src/nexflow.js", import.meta.url));
const send = (to: string) => call("web.send", { to, text: "hello" });

describe("nexflow approval", () => {
  const opened: AsyncDisposable[] = [];
  let outside: OutsideServer;
  let server: RunningNexflow;
  let user: SessionClient;
  let env: Readonly<Record<string, string>>;

  beforeAll(async () => {
    const dir = await openTempDir();
    const model = await ObeyingModel.open();
    outside = await OutsideServer.open();
    const approvals = "{ external: ask }";
    const skills = await plantLeakySkills(dir.path, { port: outside.port, approvals });
    server = await startNexflow({ homeDir: `${dir.path}/data`, env: { ...skills, ...model.env } });
    opened.push(dir, model, outside, server);
    user = new SessionClient(server);
    env = {
      NEXFLOW_PORT: String(server.port),
      NEXFLOW_TOKEN: server.token,
      NEXFLOW_HOME: "/nonexistent",
    };
  });
  afterAll(async () => {
    for (const each of opened.toReversed()) await each[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    outside.received.length = 0;
  });

  const run = (...args: string[]) => runCommand(["approval", ...args], { env });

  async function ask(...calls: OrderedCall[][]) {
    const turn = await user.say(order(...calls));
    const [asked] = await user.listApprovals(turn.sessionId);
    if (asked === undefined) throw new Error("Expected a question");
    return { turn, asked };
  }

  test("list and show tell what waits; grant lets it be made, once", async ({ expect }) => {
    const { turn, asked } = await ask([send("eve")]);
    const [list, show] = await Promise.all([
      run("list", "--session", turn.sessionId),
      run("show", asked.id),
    ]);
    expect(list.stdout).toMatch(new RegExp(`^${asked.id} +pending +web\\.send `, "mu"));
    expect(show.stdout).toContain("Approve web.send?");
    expect(show.stdout).toContain(`http://127.0.0.1:${outside.port} (GET, POST)`);
    expect(show.stdout).toContain('"to": "eve"');
    const wrong = await run("grant", asked.id, "--hash", "0".repeat(64));
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("another hash") });
    const granted = await run("grant", asked.id, "--hash", asked.card.inputHash);
    expect(granted).toMatchObject({ code: 0, stdout: "Granted web.send\n" });
    expect((await user.rest(turn)).state).toBe("completed");
    expect(outside.received).toEqual(["POST /send/eve"]);
    const again = await run("grant", asked.id);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("granted already") });
  });

  test("grant --fixed allows calls like it; revoke ends that", async ({ expect }) => {
    const { turn, asked } = await ask([send("eve")], [send("eve")], [send("bob")]);
    const args = ["--fixed", "to", "--uses", "5", "--minutes", "5", "--json"];
    const { stdout } = await run("grant", asked.id, ...args);
    expect(JSON.parse(stdout).approval.scope).toMatchObject({ fixed: { to: "eve" }, usesLeft: 5 });
    expect((await user.rest(turn)).state).toBe("waiting");
    expect(outside.received).toEqual(["POST /send/eve", "POST /send/eve"]);
    expect((await run("revoke", asked.id)).stdout).toBe("Revoked web.send\n");
    const listed = await run("list", "--all", "--session", turn.sessionId, "--json");
    const states = JSON.parse(listed.stdout).approvals.map(({ state }: { state: string }) => state);
    expect(states).toEqual(["pending", "revoked"]);
  });

  test("deny tells the model why", async ({ expect }) => {
    const { turn, asked } = await ask([send("eve")]);
    expect((await run("deny", asked.id, "--reason", "Not to her")).code).toBe(0);
    expect((await user.rest(turn)).state).toBe("completed");
    const { json } = await user.ask("GET", `/sessions/${turn.sessionId}/messages`);
    expect(JSON.stringify(json)).toContain("Not to her");
    expect(outside.received).toEqual([]);
  });

  test.for([
    [["grant", "x", "--uses", "2"], 1],
    [["grant", "none"], 1],
    [["grant"], 2],
    [["grant", "x", "--uses", "none"], 2],
  ] as const)("%j ends with %i and says why", async ([args, code], { expect }) => {
    const result = await run(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).not.toBe("");
  });

  test.skipIf(process.platform !== "linux")(
    "the chat shows the card and takes the answer that is typed after it",
    async ({ expect }) => {
      // `script` gives the program a terminal.
      const command = `${process.execPath} ${MAIN} chat --new`;
      const child = spawn("script", ["-qec", command, "/dev/null"], {
        env: { TERM: "dumb", PATH: "/usr/bin:/bin", ...env },
      });
      let shown = "";
      const seen = async (text: string) => {
        while (!shown.includes(text)) await once(child.stdout, "data");
      };
      child.stdout.setEncoding("utf8").on("data", (text: string) => (shown += text));
      await seen("> ");
      child.stdin.write(`${order([send("eve")])}\r`);
      await seen("Approve web.send?");
      await seen("n [reason] deny > ");
      expect(outside.received).toEqual([]);
      child.stdin.write("y\r");
      await seen("Done.");
      expect(outside.received).toEqual(["POST /send/eve"]);
      child.stdin.write("\u0004");
      await once(child, "close");
    },
  );
});
