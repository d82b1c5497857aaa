import { createServer } from "node:net";
import { describe, test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";
import { runCommand } from "../cmd/run-command.ts";

describe("nexflow serve", () => {
  test("SIGTERM lets what runs end, and the next start runs what waits", async ({ expect }) => {
    await using dir = await openTempDir();
    await using model = await ScriptedModel.open();
    const options = { homeDir: dir.path, env: model.env };
    await using server = await startNexflow(options);
    await using client = await ChatClient.open(server.url, server.token);
    const first = await client.send("First");
    const { sessionId } = first;
    const answer = await model.nextAnswer();
    const waiting = await client.send("Second", { sessionId });
    const stopped = server.stop();
    await client.find((frame) => frame.type === "going-away");
    client.sendFrame({ type: "send", clientMessageId: "late", text: "Third", sessionId });
    const refused = await client.find((frame) => frame.type === "error");
    expect(refused).toMatchObject({ code: "overloaded", ref: "late" });
    answer.say("One");
    answer.end();
    expect(await stopped).toBe(0);
    expect(client.textOf(first.turnId)).toBe("One");
    expect(await client.closed()).toBe(1012);

    await using again = await startNexflow(options);
    const second = await model.nextAnswer();
    second.say("Two");
    second.end();
    await using later = await ChatClient.open(again.url, again.token);
    later.sendFrame({ type: "subscribe", sessionId, after: 0 });
    await later.findEnd(waiting.turnId);
    expect([later.textOf(first.turnId), later.textOf(waiting.turnId)]).toEqual(["One", "Two"]);
  });

  test("a second server on the same data ends with 78 and the first goes on", async ({
    expect,
  }) => {
    await using server = await startNexflow();
    const second = await runCommand(["serve"], {
      env: { NEXFLOW_HOME: server.homeDir, NEXFLOW_PORT: "0" },
    });
    expect(second).toMatchObject({ code: 78, stdout: "" });
    expect(second.stderr).toContain("another Nexflow serves it");
    await using client = await ChatClient.open(server.url, server.token);
    expect((await client.ask("/calculator 1+1")).text).toBe("1+1 = 2");
  });

  test("a port that is taken ends with 78 and leaves unfinished turns as they are", async ({
    expect,
  }) => {
    await using dir = await openTempDir();
    await using model = await ScriptedModel.open();
    const server = await startNexflow({ homeDir: dir.path, env: model.env });
    await using client = await ChatClient.open(server.url, server.token);
    const { turnId, sessionId } = await client.send("Unfinished");
    await model.nextAnswer();
    await server.kill();

    const taken = await takePort();
    const { port } = taken;
    const env = { NEXFLOW_HOME: dir.path, NEXFLOW_PORT: String(port), ...model.env };
    const refused = await runCommand(["serve"], { env });
    await taken.close();
    expect(refused).toMatchObject({ code: 78, stdout: "" });
    expect(refused.stderr).toContain(`port ${port}: it is taken`);

    await using again = await startNexflow({ homeDir: dir.path, env: model.env });
    const answer = await model.nextAnswer();
    answer.say("Finished");
    answer.end();
    await using later = await ChatClient.open(again.url, again.token);
    later.sendFrame({ type: "subscribe", sessionId, after: 0 });
    await later.findEnd(turnId);
    expect(later.textOf(turnId)).toBe("Finished");
  });

  test.for([
    ["NEXFLOW_SKILLS_DIR", "/no/such/folder"],
    ["NEXFLOW_POLICY_DIR", "/no/such/folder"],
  ] as const)(
    "%s that cannot be read ends with 78 and says so",
    async ([name, folder], { expect }) => {
      await using dir = await openTempDir();
      const env = { NEXFLOW_HOME: dir.path, NEXFLOW_PORT: "0", [name]: folder };
      const { code, stdout, stderr } = await runCommand(["serve"], { env });
      expect({ code, stdout, stderr }).toMatchObject({
        code: 78,
        stdout: "",
        stderr: expect.stringContaining(folder),
      });
      expect(stderr).not.toContain("    at ");
    },
  );
});

async function takePort(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Cannot take a port");
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: address.port, close };
}
