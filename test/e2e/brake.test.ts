import pg from "pg";
import { test } from "vitest";
import { runCommand } from "../integration/cmd/run-command.ts";
import { ChatClient } from "../support/chat-client.ts";
import { NexflowCluster } from "../support/nexflow-cluster.ts";
import { plantSkill } from "../support/planted-skill.ts";
import { openTestDatabase } from "../support/postgres.ts";
import { ScriptedModel } from "../support/scripted-model.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { openTempDir } from "../support/temp-dir.ts";

/** Each instance looks by itself once a second: it cannot have looked just before all these calls. */
const CALLS = 6;

test("the brake stops agents on all instances, and holds until it is released", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  await using model = await ScriptedModel.open();
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: database.url,
    env: model.env,
  });
  const { token } = cluster;
  await using one = await ChatClient.open(cluster.member(0).url, token);
  await using two = await ChatClient.open(cluster.member(1).url, token);
  const first = await one.send("Tell me a story");
  const told = await model.nextAnswer();
  told.say("Once upon");
  await one.find((frame) => frame.type === "event" && frame.event.type === "TEXT_MESSAGE_CONTENT");
  const second = await two.send("What time is it?");
  const asked = await model.nextAnswer();
  asked.call("clock.now", {});

  const brake = (method: string, body?: object) =>
    fetch(new URL("/api/v1/brake", cluster.member(1).url), {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
  expect((await brake("PUT", { reason: "a drill" })).status).toBe(200);
  // What the model still asks for is not done.
  asked.end();
  for (const [client, { turnId }] of [
    [one, first],
    [two, second],
  ] as const) {
    const { event } = await client.findEnd(turnId);
    expect([event.type, event.code]).toEqual(["RUN_ERROR", "STOPPED"]);
    expect(event.message).toContain("a drill");
  }
  expect(one.textOf(first.turnId)).toBe("Once upon");
  // The call may have been shown by then, and has a result if so; it was not made.
  const results = two
    .eventsOf(second.turnId)
    .filter(({ event }) => event.type === "TOOL_CALL_RESULT")
    .map(({ event }) => JSON.parse(event.content ?? "") as object);
  for (const result of results) {
    expect(result).toMatchObject({ ok: false, error: { code: "cancelled" } });
  }
  const tasks = await fetch(new URL("/api/v1/tasks", cluster.member(1).url), {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await tasks.json()).toMatchObject({ tasks: [] });

  // A member that starts meanwhile, and one that has run: both take messages in, and end them.
  await cluster.member(0).kill();
  await cluster.startMember(0);
  await using three = await ChatClient.open(cluster.member(0).url, token);
  for (const client of [two, three]) {
    const { turnId } = await client.send("Anybody?");
    expect((await client.findEnd(turnId)).event).toMatchObject({ code: "STOPPED" });
  }

  expect((await brake("DELETE")).status).toBe(204);
  await expect
    .poll(
      async () => {
        const answer = three.ask("And now?");
        const next = await Promise.race([model.nextAnswer(), answer.then(() => undefined)]);
        next?.say("Here I am");
        next?.end();
        return (await answer).text;
      },
      { timeout: 10_000 },
    )
    .toBe("Here I am");
});

test("no call is made on an instance that nobody told of the brake", async ({ expect }) => {
  await using dir = await openTempDir();
  for (const effect of ["read", "write"] as const) {
    const body = 'return "made";';
    await plantSkill(dir.path, { name: `does-${effect}`, effects: [effect], body });
  }
  await using database = await openTestDatabase();
  await using model = await ScriptedModel.open();
  await using cluster = await NexflowCluster.start({
    instances: 2,
    databaseUrl: database.url,
    env: {
      ...model.env,
      NEXFLOW_SKILLS_DIR: dir.path,
      NEXFLOW_TEST_MODE: "faults",
      NEXFLOW_FAILPOINTS: "bus:publish=drop",
    },
  });
  const { token } = cluster;
  await using client = await ChatClient.open(cluster.member(0).url, token);
  const brake = async (method: string) => {
    const headers = { authorization: `Bearer ${token}` };
    const body = method === "PUT" ? { body: "{}" } : {};
    const address = new URL("/api/v1/brake", cluster.member(1).url);
    return (await fetch(address, { method, headers, ...body })).status;
  };
  /** The turn of a model that asks for a call, and that something happens before it can be made. */
  const callAfter = async (tool: string, before: () => Promise<void>) => {
    const { turnId } = await client.send("Do it");
    const answer = await model.nextAnswer();
    answer.call(tool, {});
    await before();
    answer.end();
    return turnId;
  };
  for (let count = 0; count < CALLS; count++) {
    const tool = count % 2 === 0 ? "does-read.run" : "does-write.run";
    const turnId = await callAfter(tool, async () => expect(await brake("PUT")).toBe(200));
    const { event } = await client.findEnd(turnId);
    expect([event.type, event.code]).toEqual(["RUN_ERROR", "STOPPED"]);
    expect(await brake("DELETE")).toBe(204);
  }
  // The same calls are made when it is off, so the record of those is what all of them left.
  for (const tool of ["does-read.run", "does-write.run"]) {
    const turnId = await callAfter(tool, async () => undefined);
    const answer = await model.nextAnswer();
    expect(JSON.stringify(answer.request.messages.at(-1))).toContain("made");
    answer.end();
    expect((await client.findEnd(turnId)).event.type).toBe("RUN_FINISHED");
  }
  const calls = () => callsIn(database.url);
  await expect.poll(calls, { timeout: 10_000 }).toEqual(["does-read", "does-write"]);
});

test("nexflow stop works over a running server, and on the data of one that is not", async ({
  expect,
}) => {
  const server = await startNexflow();
  const { homeDir } = server;
  await using _server = server;
  const env = { NEXFLOW_HOME: homeDir, NEXFLOW_PORT: String(server.port) };
  const stop = async (...args: string[]) => {
    const { code: exitCode, stdout } = await runCommand(["stop", ...args, "--json"], { env });
    return [exitCode, stdout === "" ? undefined : JSON.parse(stdout)] as const;
  };
  const [code, stopped] = await stop("--all", "--reason", "a drill");
  expect([code, stopped]).toMatchObject([0, { brake: { reason: "a drill" } }]);
  await using client = await ChatClient.open(server.url, server.token);
  const { turnId } = await client.send("Hello");
  expect((await client.findEnd(turnId)).event).toMatchObject({ code: "STOPPED" });
  expect(await stop("--release")).toMatchObject([0, { released: true }]);
  expect((await client.ask("Hello again")).events.at(-1)?.event.type).toBe("RUN_FINISHED");
  await server.stop();

  expect((await stop("--all"))[0]).toBe(0);
  await using again = await startNexflow({ homeDir });
  await using later = await ChatClient.open(again.url, again.token);
  const { turnId: last } = await later.send("Hello");
  expect((await later.findEnd(last)).event).toMatchObject({ code: "STOPPED" });
  expect((await stop())[0]).toBe(2);
});

/** The skills of all calls that sandboxes have on record. */
async function callsIn(url: string): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ skill: string }>(
      "SELECT skill FROM skill_call ORDER BY skill",
    );
    return rows.map(({ skill }) => skill);
  } finally {
    await client.end();
  }
}
