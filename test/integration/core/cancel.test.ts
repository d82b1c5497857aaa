import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";

test("cancel stops the model's stream, keeps the text, and the session goes on", async ({
  expect,
}) => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: model.env });
  await using client = await ChatClient.open(server.url, server.token);
  const { turnId, sessionId } = await client.send("Tell me a story");
  const answer = await model.nextAnswer();
  answer.say("Once upon");
  await client.find(
    (frame) => frame.type === "event" && frame.event.type === "TEXT_MESSAGE_CONTENT",
  );
  client.sendFrame({ type: "cancel", turnId });
  // How soon: test/e2e/cancel-in-time.test.ts.
  await answer.abandoned;
  await client.findEnd(turnId);
  expect(client.textOf(turnId)).toBe("Once upon");

  const next = client.ask("And now?", { sessionId });
  const second = await model.nextAnswer();
  second.say("Good night");
  second.end();
  expect((await next).text).toBe("Good night");
});

test("a turn that is cancelled while it waits never asks the model", async ({ expect }) => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: model.env });
  await using client = await ChatClient.open(server.url, server.token);
  const first = await client.send("First");
  const answer = await model.nextAnswer();
  const waiting = await client.send("Second", { sessionId: first.sessionId });
  client.sendFrame({ type: "cancel", turnId: waiting.turnId });
  answer.say("Done");
  answer.end();
  await client.findEnd(waiting.turnId);
  const third = client.ask("Third", { sessionId: first.sessionId });
  const second = await model.nextAnswer();
  second.say("Third it is");
  second.end();
  expect((await third).text).toBe("Third it is");
  expect(client.textOf(waiting.turnId)).toBe("");
});
