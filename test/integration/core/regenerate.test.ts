import { randomUUID } from "node:crypto";
import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";

test("a message is answered anew over REST, and the session goes on with either branch", async ({
  expect,
}) => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: model.env });
  await using client = await ChatClient.open(server.url, server.token);
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(new URL(`/api/v1${path}`, server.url), {
      method,
      headers: {
        authorization: `Bearer ${server.token}`,
        "content-type": "application/json",
        "idempotency-key": randomUUID(),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? undefined : JSON.parse(text) };
  };
  const answer = async (text: string) => {
    const next = await model.nextAnswer();
    next.say(text);
    next.end();
    return next.request.messages
      .filter(({ role }) => role !== "system")
      .map((each) => each.content);
  };
  const first = client.ask("Name a colour");
  await answer("Red");
  const { sessionId, turnId } = await first;
  const again = await ask("POST", `/turns/${turnId}/regenerate`, { text: "Name a fruit" });
  expect(again.status).toBe(202);
  expect(await answer("Pear")).toEqual(["Name a fruit"]);
  await client.findEnd(again.json.turnId);

  const branches = `/sessions/${sessionId}/branches`;
  expect((await ask("GET", branches)).json).toEqual({
    forks: [{ turnIds: [turnId, again.json.turnId], inUse: again.json.turnId }],
  });
  const textsOf = async () => {
    const { json } = await ask("GET", `/sessions/${sessionId}/messages`);
    return (json.messages as { content: string }[]).map(({ content }) => content);
  };
  expect(await textsOf()).toEqual(["Name a fruit", "Pear"]);
  expect((await ask("POST", branches, { turnId })).status).toBe(204);
  expect(await textsOf()).toEqual(["Name a colour", "Red"]);
  const next = client.ask("Another one", { sessionId });
  expect(await answer("Blue")).toEqual(["Name a colour", "Red", "Another one"]);
  expect((await next).text).toBe("Blue");
  expect((await ask("POST", "/turns/none/regenerate", {})).status).toBe(404);
});
