import { test } from "vitest";
import { ChatClient } from "../../support/chat-client.ts";
import { plantSkill } from "../../support/planted-skill.ts";
import { findBusyProcess, untilGone } from "../../support/process-tree.ts";
import { ScriptedModel } from "../../support/scripted-model.ts";
import { startNexflow } from "../../support/start-nexflow.ts";
import { openTempDir } from "../../support/temp-dir.ts";

/**
 * What stopping a turn may take, on a machine that has much else to do; what it takes as a rule is
 * measured in test/e2e/cancel-in-time.test.ts.
 */

test("a message steers the turn that runs, at its next step", async ({ expect }) => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: model.env });
  await using client = await ChatClient.open(server.url, server.token);
  const first = await client.send("What time is it?");
  const answer = await model.nextAnswer();
  answer.call("clock.now", {});
  const { sessionId } = first;
  const steering = await client.send("In words, please", { sessionId, mode: "steer" });
  answer.end();
  const second = await model.nextAnswer();
  expect(second.request.messages.at(-1)).toMatchObject({
    role: "user",
    content: "In words, please",
  });
  second.say("Noon");
  second.end();
  await client.findEnd(first.turnId);
  const joined = client
    .eventsOf(first.turnId)
    .find(({ event }) => event.name === "nexflow.message-joined");
  expect(joined?.event.value).toEqual({ messageId: steering.messageId, text: "In words, please" });
  expect(client.textOf(first.turnId)).toBe("Noon");
  expect(client.eventsOf(steering.turnId)).toEqual([]);
});

test("a message interrupts the turn that runs, whose text is kept", async ({ expect }) => {
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({ env: model.env });
  await using client = await ChatClient.open(server.url, server.token);
  const first = await client.send("Tell me a story");
  const answer = await model.nextAnswer();
  answer.say("Once upon");
  await client.find(
    (frame) => frame.type === "event" && frame.event.type === "TEXT_MESSAGE_CONTENT",
  );
  const { sessionId } = first;
  const second = await client.send("Stop, what is 2 + 2?", { sessionId, mode: "interrupt" });
  await answer.abandoned;
  const end = await client.findEnd(first.turnId);
  expect(end.event.outcome).toEqual({ type: "cancelled" });
  const next = await model.nextAnswer();
  next.say("4");
  next.end();
  await client.findEnd(second.turnId);
  expect([client.textOf(first.turnId), client.textOf(second.turnId)]).toEqual(["Once upon", "4"]);
});

test("a cancel stops a skill that loops, and the next turn has a model that can be asked", async ({
  expect,
}) => {
  await using dir = await openTempDir();
  await plantSkill(dir.path, { name: "looper", effects: ["read"], body: "for (;;);" });
  await using model = await ScriptedModel.open();
  await using server = await startNexflow({
    env: { ...model.env, NEXFLOW_SKILLS_DIR: dir.path },
  });
  await using client = await ChatClient.open(server.url, server.token);
  const first = await client.send("Loop");
  const answer = await model.nextAnswer();
  answer.say("Looping. ");
  answer.call("looper.run", {});
  answer.end();
  await client.find((frame) => frame.type === "event" && frame.event.type === "TOOL_CALL_END");
  const looping = await findBusyProcess(server.process.pid ?? 0);
  client.sendFrame({ type: "cancel", turnId: first.turnId });
  const end = await client.findEnd(first.turnId);
  // How soon: test/e2e/cancel-in-time.test.ts.
  await untilGone(looping);
  expect(end.event.outcome).toEqual({ type: "cancelled" });
  expect(client.textOf(first.turnId)).toBe("Looping. ");
  const { sessionId } = first;
  const next = client.ask("Still there?", { sessionId });
  const second = await model.nextAnswer();
  // No call is left without a result.
  const roles = second.request.messages.map(({ role }) => role);
  expect(roles.filter((role) => role === "tool")).toHaveLength(1);
  second.say("Yes");
  second.end();
  expect((await next).text).toBe("Yes");
});
