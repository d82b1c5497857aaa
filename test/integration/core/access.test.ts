import { once } from "node:events";
import { test as base, describe } from "vitest";
import { WebSocket } from "ws";
import { type ApiDocument, findDeviation } from "../../support/api-document.ts";
import { TestEventStream } from "../../support/event-stream.ts";
import { openTestDatabase } from "../../support/postgres.ts";
import { type RunningNexflow, startNexflow } from "../../support/start-nexflow.ts";
import { medianOf } from "../../support/timings.ts";

/** What is promised of a revoked credential. */
const REVOKED_WITHIN_MS = 1_000;
const test = base.extend<{ readonly server: RunningNexflow }>({
  server: async ({ onTestFinished }, use) => {
    const server = await startNexflow();
    onTestFinished(() => server[Symbol.asyncDispose]());
    await use(server);
  },
});

interface Options {
  readonly method?: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const documents = new WeakMap<RunningNexflow, Promise<ApiDocument>>();

async function readDocument({ url }: RunningNexflow): Promise<ApiDocument> {
  return (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as ApiDocument;
}

/** Throws where the answer is not as the server's own OpenAPI document has it. */
async function ask(server: RunningNexflow, path: string, options: Options = {}) {
  const { method = "GET", body, token = server.token, headers = {} } = options;
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { status, headers: given } = response;
  const json = text === "" ? undefined : JSON.parse(text);
  const document = documents.get(server) ?? readDocument(server);
  documents.set(server, document);
  const [route = ""] = path.split("?");
  const type = given.get("content-type") ?? "";
  const deviation = findDeviation(await document, {
    method,
    path: route,
    status,
    type,
    body: json,
  });
  if (deviation !== undefined) throw new Error(deviation);
  return { status, json };
}

/** A user with a token of their own. */
async function addUser(server: RunningNexflow, name: string, scopes?: readonly string[]) {
  const user = await ask(server, "/users", { method: "POST", body: { name, role: "member" } });
  return { userId: user.json.id, ...(await addToken(server, user.json.id, scopes)) };
}

async function addToken(server: RunningNexflow, userId: string, scopes?: readonly string[]) {
  const body = { label: "a token", scopes };
  const made = await ask(server, `/users/${userId}/tokens`, { method: "POST", body });
  return { tokenId: made.json.id, token: made.json.secret };
}

async function connect({ url }: RunningNexflow, token: string) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, "nexflow.v1");
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "hello", token }));
  await once(socket, "message");
  return socket;
}

const send = (key: string, text: string, more: Readonly<Record<string, string>> = {}) => ({
  method: "POST",
  headers: { "idempotency-key": key, ...more },
  body: { text },
});

describe("two users of one server", () => {
  test("keep schedules of their own", async ({ expect, server }) => {
    const [ada, bob] = [await addUser(server, "Ada"), await addUser(server, "Bob")];
    const body = {
      name: "Tick",
      when: { kind: "cron", expression: "0 7 * * *", timeZone: "Europe/Berlin" },
      action: { kind: "message", text: "/calculator 6*7" },
    };
    const create = { ...send("k1", ""), body, token: ada.token };
    const made = await ask(server, "/schedules", create);
    expect(made).toMatchObject({ status: 201, json: { state: "active", missed: "once" } });
    expect(await ask(server, "/schedules", create)).toEqual(made);
    const path = `/schedules/${made.json.id}`;
    expect((await ask(server, path, { token: bob.token })).status).toBe(404);
    expect((await ask(server, `${path}?userId=${ada.userId}`)).json).toEqual(made.json);
    const wrong = { ...body, when: { ...body.when, expression: "never" } };
    const refused = await ask(server, "/schedules", { ...create, ...send("k2", ""), body: wrong });
    expect(refused).toMatchObject({ status: 400, json: { code: "bad-frame" } });
    const run = { method: "POST", headers: { "idempotency-key": "k3" }, token: ada.token };
    const fired = await ask(server, `${path}/run`, run);
    expect(fired.status).toBe(202);
    expect(await ask(server, `${path}/run`, run)).toEqual(fired);
    const held = { method: "PATCH", body: { state: "paused" }, token: ada.token };
    expect((await ask(server, path, held)).json.state).toBe("paused");
    await expect
      .poll(async () => (await ask(server, "/sessions", { token: ada.token })).json.sessions.length)
      .toBe(1);
    expect((await ask(server, path, { method: "DELETE", token: bob.token })).status).toBe(404);
    expect((await ask(server, path, { method: "DELETE", token: ada.token })).status).toBe(204);
  });

  test("see each their own, and an administrator both when asked to", async ({
    expect,
    server,
  }) => {
    const [ada, bob] = [await addUser(server, "Ada"), await addUser(server, "Bob")];
    const wait = { prefer: "wait=20" };
    const sent = await ask(server, "/messages", {
      ...send("m1", "/calculator 6*7", wait),
      token: ada.token,
    });
    expect(sent).toMatchObject({ status: 200, json: { turn: { state: "completed" } } });
    expect(sent.json.messages.at(-1).content).toContain("42");
    const { sessionId, turnId } = sent.json;
    for (const path of [`/sessions/${sessionId}`, `/turns/${turnId}`]) {
      expect((await ask(server, path, { token: ada.token })).status).toBe(200);
      expect((await ask(server, path, { token: bob.token })).status).toBe(404);
      expect((await ask(server, path)).status).toBe(404);
      expect((await ask(server, `${path}?userId=${ada.userId}`)).status).toBe(200);
    }
    const turns = await ask(server, `/sessions/${sessionId}/turns`, { token: ada.token });
    expect(turns.json.turns).toMatchObject([{ id: turnId, state: "completed", attempts: 1 }]);
    const again = await ask(server, "/messages", {
      ...send("m1", "/calculator 6*7", wait),
      token: ada.token,
    });
    expect(again).toEqual(sent);
    const other = await ask(server, "/messages", { ...send("m1", "other"), token: ada.token });
    expect(other).toMatchObject({ status: 422, json: { code: "idempotency-key-reused" } });
    const bobs = await ask(server, "/messages", {
      ...send("m1", "/calculator 1+1", wait),
      token: bob.token,
    });
    expect(bobs.json.sessionId).not.toBe(sessionId);
    const lists = await Promise.all(
      [ada, bob].map(({ token }) => ask(server, "/sessions", { token })),
    );
    expect(lists.map(({ json }) => json.sessions.map(({ id }: { id: string }) => id))).toEqual([
      [sessionId],
      [bobs.json.sessionId],
    ]);
  });

  test("have their calls of skills and what was refused on record", async ({ expect, server }) => {
    const [ada, bob] = [await addUser(server, "Ada"), await addUser(server, "Bob")];
    const wait = { prefer: "wait=20" };
    const sent = await ask(server, "/messages", {
      ...send("m1", "/calculator 6*7", wait),
      token: ada.token,
    });
    const tasks = await ask(server, "/tasks?limit=1", { token: ada.token });
    expect(tasks.json.tasks).toMatchObject([
      {
        userId: ada.userId,
        origin: { kind: "turn", sessionId: sent.json.sessionId, turnId: sent.json.turnId },
        skill: "calculator",
        state: "completed",
      },
    ]);
    const path = `/tasks/${tasks.json.tasks[0].id}`;
    expect((await ask(server, path, { token: ada.token })).json).toEqual(tasks.json.tasks[0]);
    expect((await ask(server, path, { token: bob.token })).status).toBe(404);
    expect((await ask(server, "/tasks", { token: bob.token })).json.tasks).toEqual([]);
    expect((await ask(server, "/audit", { token: bob.token })).status).toBe(403);
    await expect
      .poll(async () => (await ask(server, "/audit?decision=denied")).json.entries.length)
      .toBeGreaterThan(0);
    const { json } = await ask(server, "/audit?limit=200");
    const actions = json.entries.map(({ action }: { action: string }) => action);
    for (const action of ["user.created", "token.created", "access.denied"]) {
      expect(actions).toContain(action);
    }
    expect((await ask(server, "/audit/verify")).json).toMatchObject({ kind: "intact" });
    await ask(server, `/users/${bob.userId}`, { method: "DELETE" });
    const after = await ask(server, "/audit?limit=200");
    expect(JSON.stringify(after.json)).not.toContain(bob.userId);
    expect((await ask(server, "/audit/verify")).json).toMatchObject({ kind: "intact" });
  });

  test("lose what is open within a second of their token's end", async ({ expect, server }) => {
    const [ada, bob] = [await addUser(server, "Ada"), await addUser(server, "Bob")];
    const { json } = await ask(server, "/messages", { ...send("m1", "hi"), token: ada.token });
    const neighbour = await connect(server, bob.token);
    const tookMs = await medianOf(3, async () => {
      const { tokenId, token } = await addToken(server, ada.userId);
      const socket = await connect(server, token);
      await using stream = await TestEventStream.open(
        `${server.url}/api/v1/sessions/${json.sessionId}/events`,
        { authorization: `Bearer ${token}` },
      );
      await stream.next();
      const closed = once(socket, "close");
      const revokedAtMs = performance.now();
      const path = `/users/${ada.userId}/tokens/${tokenId}`;
      expect((await ask(server, path, { method: "DELETE", token: bob.token })).status).toBe(404);
      expect((await ask(server, path, { method: "DELETE" })).status).toBe(204);
      expect((await closed)[0]).toBe(4401);
      expect(await stream.ended).toBe("ended");
      const passedMs = performance.now() - revokedAtMs;
      expect((await ask(server, "/me", { token })).status).toBe(401);
      return passedMs;
    });
    expect(tookMs).toBeLessThan(REVOKED_WITHIN_MS);
    expect(neighbour.readyState).toBe(WebSocket.OPEN);
    neighbour.terminate();
  });

  test("are gone with all that is theirs once removed, in the midst of a turn", async ({
    expect,
    server,
  }) => {
    const ada = await addUser(server, "Ada");
    const socket = await connect(server, ada.token);
    const closed = once(socket, "close");
    for (let i = 0; i < 5; i += 1) {
      await ask(server, "/messages", { ...send(`m${i}`, "/calculator 6*7"), token: ada.token });
    }
    expect((await ask(server, `/users/${ada.userId}`, { method: "DELETE" })).status).toBe(204);
    expect((await closed)[0]).toBe(4401);
    expect((await ask(server, `/users/${ada.userId}`)).status).toBe(404);
    expect((await ask(server, `/sessions?userId=${ada.userId}`)).json.sessions).toEqual([]);
    expect((await ask(server, "/me", { token: ada.token })).status).toBe(401);
    const me = await ask(server, "/me");
    expect(await ask(server, `/users/${me.json.userId}`, { method: "DELETE" })).toMatchObject({
      status: 409,
      json: { code: "last-admin" },
    });
    const still = await ask(
      server,
      "/messages",
      send("m9", "/calculator 1+1", { prefer: "wait=20" }),
    );
    expect(still.status).toBe(200);
  });
});

test("a token that is revoked at one server of a cluster ends at the others", async ({
  expect,
}) => {
  await using database = await openTestDatabase();
  const env = { NEXFLOW_DATABASE_URL: database.url };
  await using one = await startNexflow({ env });
  await using two = await startNexflow({ env });
  const ada = await addUser(one, "Ada");
  const tookMs = await medianOf(3, async () => {
    const { tokenId, token } = await addToken(one, ada.userId);
    const socket = await connect(two, token);
    const closed = once(socket, "close");
    const revokedAtMs = performance.now();
    const path = `/users/${ada.userId}/tokens/${tokenId}`;
    expect((await ask(one, path, { method: "DELETE" })).status).toBe(204);
    expect((await closed)[0]).toBe(4401);
    const passedMs = performance.now() - revokedAtMs;
    expect((await ask(two, "/me", { token })).status).toBe(401);
    return passedMs;
  });
  expect(tookMs).toBeLessThan(REVOKED_WITHIN_MS);
});
