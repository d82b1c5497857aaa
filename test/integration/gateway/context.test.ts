import { describe } from "vitest";
import { type CallOptions, call, message } from "../../support/call-api.ts";
import { OTHER_TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import type { TestGateway } from "../../support/gateway-client.ts";
import { gatewayTest as test } from "../../support/gateway-client.ts";

const put = { method: "PUT" } as const;
const remove = { method: "DELETE" } as const;

/** A session of two turns, its address, and the messages of its user. */
async function openSession(server: TestGateway) {
  const first = await call(server, "/api/v1/messages", message("first", "Never delete anything"));
  const at = `/api/v1/sessions/${first.json.sessionId}`;
  const second = await call(server, `${at}/messages`, message("second"));
  return { at, messageIds: [first.json.messageId, second.json.messageId] as const };
}

describe("compactions", () => {
  test("are made, listed and undone", async ({ expect, server }) => {
    const { at } = await openSession(server);
    expect((await call(server, `${at}/compactions`)).json).toEqual({ compactions: [] });
    const made = await call(server, `${at}/compactions`, { method: "POST" });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      model: "extract",
      messages: 1,
      summary: expect.stringContaining("User: Never delete anything"),
    });
    const again = await call(server, `${at}/compactions`, { method: "POST" });
    expect([again.status, again.json.code]).toEqual([409, "conflict"]);
    const one = `${at}/compactions/${made.json.id}`;
    for (let time = 0; time < 2; time += 1) {
      expect((await call(server, one, remove)).status).toBe(204);
    }
    const listed = await call(server, `${at}/compactions`);
    expect(listed.json.compactions).toMatchObject([{ id: made.json.id, undoneBy: "u1" }]);
    expect((await call(server, `${at}/messages`)).json.messages).toHaveLength(2);
  });

  test("of one session are not those of another", async ({ expect, server }) => {
    const { at } = await openSession(server);
    const { json } = await call(server, `${at}/compactions`, { method: "POST" });
    const other = await call(server, "/api/v1/messages", message("other"));
    const path = `/api/v1/sessions/${other.json.sessionId}/compactions/${json.id}`;
    expect((await call(server, path, remove)).status).toBe(404);
  });
});

describe("pins", () => {
  test("are put on, listed and taken off", async ({ expect, server }) => {
    const { at, messageIds } = await openSession(server);
    for (const id of messageIds)
      expect((await call(server, `${at}/pins/${id}`, put)).status).toBe(204);
    expect((await call(server, `${at}/pins`)).json).toEqual({ messageIds: [...messageIds] });
    expect((await call(server, `${at}/pins/${messageIds[0]}`, remove)).status).toBe(204);
    expect((await call(server, `${at}/pins/${messageIds[0]}`, remove)).status).toBe(404);
    expect((await call(server, `${at}/pins`)).json).toEqual({ messageIds: [messageIds[1]] });
    expect((await call(server, `${at}/pins/none`, put)).status).toBe(404);
  });
});

describe("memory", () => {
  const add = (server: TestGateway, text: unknown, options: CallOptions = {}) =>
    call(server, "/api/v1/memory", { method: "POST", body: { text }, ...options });

  test("is added to, listed and deleted, each user their own", async ({ expect, server }) => {
    const note = await add(server, "I like tea");
    expect(note.status).toBe(201);
    expect(note.json).toMatchObject({ text: "I like tea", by: "user" });
    await add(server, "I like coffee", { token: OTHER_TOKEN });
    expect((await call(server, "/api/v1/memory")).json.notes).toEqual([note.json]);
    const path = `/api/v1/memory/${note.json.id}`;
    expect((await call(server, path, { ...remove, token: OTHER_TOKEN })).status).toBe(404);
    expect((await call(server, path, remove)).status).toBe(204);
    expect((await call(server, "/api/v1/memory")).json).toEqual({ notes: [] });
  });

  test.for(["", " \n", "x".repeat(1_001), 7, null])(
    "takes no note %j",
    async (text, { expect, server }) => {
      expect((await add(server, text)).status).toBe(400);
    },
  );

  test("has room for 200 notes", async ({ expect, server }) => {
    for (let at = 0; at < 200; at += 1) await add(server, `note ${at}`);
    const more = await add(server, "one more");
    expect([more.status, more.json.detail]).toEqual([
      409,
      "Cannot keep more than 200 notes: delete some first",
    ]);
  });
});
