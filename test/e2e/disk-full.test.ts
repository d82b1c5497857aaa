import { test } from "vitest";
import { databaseFile } from "#infrastructure/store/open-store.ts";
import { ChatClient } from "../support/chat-client.ts";
import { type FillableDisk, openBoundedFiles, openSmallDisk } from "../support/full-disk.ts";
import { SlowModel } from "../support/slow-model.ts";
import { startNexflow } from "../support/start-nexflow.ts";
import { listClientMessageIds, listStoredFaults } from "../support/stored-faults.ts";

const FILL_AFTER = 20;
const MAX_SENT_WHILE_FULL = 2_000;

test.for([
  ["a full disk", openSmallDisk],
  ["a file that must not grow", openBoundedFiles],
] as const)("%s refuses messages, loses none and heals by itself", async ([, open], context) => {
  const { expect } = context;
  const disk = await open();
  if (typeof disk === "string") return context.skip(disk);
  await using opened: FillableDisk = disk;
  await using model = await SlowModel.open({ answerMs: 1_000, words: 10 });
  const { homeDir, launcher } = opened;
  await using server = await startNexflow({
    homeDir,
    env: model.env,
    ...(launcher && { launcher }),
  });
  await using client = await ChatClient.open(server.url, server.token);
  const accepted: string[] = [];
  const { sessionId } = await client.ask("first");
  for (let count = 0; count < FILL_AFTER; count++) {
    accepted.push((await client.send(`before ${count}`, { sessionId })).clientMessageId);
  }
  // One turn is being answered when the disk is full; its answer is stored when there is room.
  const slow = await client.send("slow answer");

  await opened.fill(server);
  const refused: string[] = [];
  for (let count = 0; refused.length < 3 && count < MAX_SENT_WHILE_FULL; count++) {
    const clientMessageId = `full-${count}`;
    const from = client.frames.length;
    client.sendFrame({ type: "send", clientMessageId, text: "while it is full" });
    const frame = await client.find(
      (each) =>
        (each.type === "accepted" && each.clientMessageId === clientMessageId) ||
        (each.type === "error" && each.ref === clientMessageId),
      from,
    );
    if (frame.type === "accepted") accepted.push(clientMessageId);
    else if (frame.type === "error") refused.push(frame.code);
  }
  expect(refused).toEqual(["storage_unavailable", "storage_unavailable", "storage_unavailable"]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);

  await opened.free(server);
  await client.findEnd(slow.turnId);
  const after = await client.ask("after it was freed", { sessionId });
  expect(after.text).toBe(model.answerTo("after it was freed"));
  accepted.push(after.clientMessageId);
  expect(await server.stop()).toBe(0);
  const store = { file: databaseFile(homeDir) };
  expect(await listClientMessageIds(store)).toEqual(expect.arrayContaining(accepted));
  expect(await listStoredFaults(store)).toEqual([]);
});
