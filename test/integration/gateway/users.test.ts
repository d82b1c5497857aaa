import { describe } from "vitest";
import { SCOPES } from "#domain/user/scope.ts";
import { type CallOptions, call, message } from "../../support/call-api.ts";
import { OTHER_TOKEN, TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import type { TestGateway } from "../../support/gateway-client.ts";
import { TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

const post = (body: unknown): CallOptions => ({ method: "POST", body });
const patch = (body: unknown): CallOptions => ({ method: "PATCH", body });
const USERS = "/api/v1/users";

async function addToken(server: TestGateway, userId: string, body: object, token = TOKEN) {
  const { json } = await call(server, `${USERS}/${userId}/tokens`, { ...post(body), token });
  return json as { id: string; secret: string; scopes: string[] };
}

describe("users", () => {
  test("are made, shown, changed and deleted", async ({ expect, server }) => {
    const made = await call(server, USERS, post({ name: "Eve", role: "member" }));
    expect(made).toMatchObject({ status: 201, json: { name: "Eve", role: "member" } });
    const path = `${USERS}/${made.json.id}`;
    expect((await call(server, path)).json).toEqual(made.json);
    const changed = await call(server, path, patch({ role: "operator" }));
    expect(changed.json).toEqual({ ...made.json, role: "operator" });
    const list = await call(server, `${USERS}?limit=2`);
    const rest = await call(server, `${USERS}?cursor=${list.json.nextCursor}`);
    const ids = [...list.json.users, ...rest.json.users].map(({ id }: { id: string }) => id);
    expect(new Set(ids)).toEqual(new Set([made.json.id, "u1", "u2"]));
    expect(ids).toHaveLength(3);
    expect((await call(server, path, { method: "DELETE" })).status).toBe(204);
    expect((await call(server, path)).status).toBe(404);
    expect((await call(server, path, patch({ name: "x" }))).status).toBe(404);
    expect((await call(server, path, { method: "DELETE" })).status).toBe(404);
    expect(server.useCases.audited.map(({ action, actor }) => [action, actor])).toEqual([
      ["user.created", "u1"],
      ["user.changed", "u1"],
      ["user.removed", "u1"],
    ]);
  });

  test("keep their last administrator", async ({ expect, server }) => {
    for (const options of [patch({ role: "member" }), { method: "DELETE" }]) {
      const { json } = await call(server, `${USERS}/u1`, options);
      expect(json).toMatchObject({ status: 409, code: "last-admin" });
    }
    const decisions = server.useCases.audited.map(({ action, decision }) => [action, decision]);
    expect(decisions).toEqual([
      ["user.changed", "denied"],
      ["user.removed", "denied"],
    ]);
    expect((await call(server, "/api/v1/me")).json.role).toBe("admin");
  });

  test.for<[string, unknown]>([
    ["no name", { role: "member" }],
    ["an empty name", { name: "", role: "member" }],
    ["space around it", { name: " x", role: "member" }],
    ["a line break", { name: "a\nb", role: "member" }],
    ["a name too long", { name: "x".repeat(81), role: "member" }],
    ["another role", { name: "x", role: "root" }],
    ["an id of its own", { name: "x", role: "member", id: "u9" }],
    ["a list", [{ name: "x", role: "member" }]],
  ])("are not made of %s", async ([, body], { expect, server }) => {
    const { json } = await call(server, USERS, post(body));
    expect(json).toMatchObject({ status: 400, code: "bad-frame" });
    expect(json.detail).toMatch(/^Cannot read the body: [^.]+expected [^.]+$/u);
  });

  test("are not changed into nothing", async ({ expect, server }) => {
    const { json } = await call(server, `${USERS}/u2`, patch({}));
    expect(json.detail).toBe(
      "Cannot read the body: it is not as expected, expected a name or a role",
    );
  });

  test("who change their role have it at once, on what is open too", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server, OTHER_TOKEN);
    expect((await call(server, USERS, { token: OTHER_TOKEN })).status).toBe(403);
    await call(server, `${USERS}/u2`, patch({ role: "admin" }));
    expect((await call(server, USERS, { token: OTHER_TOKEN })).status).toBe(200);
    expect(await client.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
    await call(server, `${USERS}/u2`, patch({ role: "member" }));
    expect((await call(server, USERS, { token: OTHER_TOKEN })).status).toBe(403);
  });

  test("who are deleted lose what is open", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server, OTHER_TOKEN);
    await using stranger = await TestClient.signIn(server);
    await call(server, `${USERS}/u2`, { method: "DELETE" });
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect((await call(server, "/api/v1/me", { token: OTHER_TOKEN })).status).toBe(401);
    expect(await stranger.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });
});

describe("tokens", () => {
  test("show their secret once and never again", async ({ expect, server }) => {
    const made = await call(server, `${USERS}/u2/tokens`, {
      ...post({ label: "laptop", scopes: ["sessions:read"] }),
      token: OTHER_TOKEN,
    });
    expect(made.status).toBe(201);
    expect(made.json.secret).toMatch(/^[\w-]{43}$/u);
    const list = await call(server, `${USERS}/u2/tokens`, { token: OTHER_TOKEN });
    expect(list.json.tokens).toHaveLength(2);
    expect(list.text).not.toContain(made.json.secret);
    expect(JSON.stringify(server.useCases.audited)).not.toContain(made.json.secret);
    expect(list.json.tokens).toContainEqual({
      id: made.json.id,
      kind: "token",
      label: "laptop",
      scopes: ["sessions:read"],
      createdAtMs: expect.any(Number),
    });
    const { secret: token } = made.json;
    expect((await call(server, "/api/v1/me", { token })).json.scopes).toEqual(["sessions:read"]);
    expect((await call(server, "/api/v1/sessions", { token })).status).toBe(200);
    expect((await call(server, "/api/v1/messages", { ...message("k"), token })).status).toBe(403);
  });

  test("have no scope that their maker lacks, nor by way of another", async ({
    expect,
    server,
  }) => {
    const scopes = ["sessions:read", "tokens:write", "tokens:read"];
    const { secret: token } = await addToken(server, "u1", { label: "narrow", scopes });
    const wider = { label: "wider", scopes: ["users:write"] };
    const { json } = await call(server, `${USERS}/u1/tokens`, { ...post(wider), token });
    expect(json).toMatchObject({ status: 403, code: "insufficient-scope" });
    const same = await addToken(server, "u1", { label: "same" }, token);
    expect(same.scopes).toEqual(SCOPES.filter((each) => scopes.includes(each)));
    const others = await call(server, `${USERS}/u2/tokens`, { ...post(wider), token });
    expect(others.status).toBe(403);
  });

  test("of others are an administrator's business", async ({ expect, server }) => {
    const made = await addToken(server, "u2", { label: "first", scopes: ["sessions:read"] });
    const path = `${USERS}/u2/tokens/${made.id}`;
    const none = await call(server, `${USERS}/nobody/tokens`, post({ label: "x" }));
    expect(none.json).toMatchObject({ status: 404, detail: "Cannot find this user" });
    const foreign = { token: OTHER_TOKEN };
    expect((await call(server, `${USERS}/u1/tokens`, foreign)).status).toBe(404);
    const elsewhere = await call(server, `${USERS}/u1/tokens/${made.id}`, { method: "DELETE" });
    expect(elsewhere.status).toBe(404);
    expect((await call(server, path, { method: "DELETE" })).status).toBe(204);
    expect((await call(server, path, { method: "DELETE" })).status).toBe(404);
  });

  test("end everything that is open by them", async ({ expect, server }) => {
    const made = await addToken(server, "u1", { label: "phone" });
    const browser = await server.useCases.openBrowserSession(made.secret);
    const cookie = `nexflow_session=${browser?.secret}`;
    await using byToken = await TestClient.signIn(server, made.secret);
    await using byCookie = await TestClient.open(server, { cookie, origin: server.url });
    await byCookie.ask({ type: "hello" });
    await using other = await TestClient.signIn(server);
    await call(server, `${USERS}/u1/tokens/${made.id}`, { method: "DELETE" });
    expect(await byToken.closed).toMatchObject({ code: 4401 });
    expect(await byCookie.closed).toMatchObject({ code: 4401 });
    expect((await call(server, "/api/v1/me", { token: made.secret })).status).toBe(401);
    const headers = { cookie };
    expect((await call(server, "/api/v1/me", { token: undefined, headers })).status).toBe(401);
    expect(await other.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });

  test("end with the token that made them, and no later", async ({ expect, server }) => {
    const expiresAtMs = Date.now() + 60_000;
    const maker = await addToken(server, "u1", { label: "short", expiresAtMs });
    const later = { label: "later", expiresAtMs: expiresAtMs + 1 };
    const made = await call(server, `${USERS}/u1/tokens`, { ...post(later), token: maker.secret });
    expect(made.json).toMatchObject({ expiresAtMs });
    const last = await addToken(server, "u1", { label: "last" }, made.json.secret);
    expect(last).toMatchObject({ expiresAtMs });
    expect(server.useCases.audited.at(-1)).toMatchObject({
      action: "token.created",
      detail: { tokenId: last.id, byCredentialId: made.json.id },
    });
    await using client = await TestClient.signIn(server, last.secret);
    await call(server, `${USERS}/u1/tokens/${maker.id}`, { method: "DELETE" });
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect((await call(server, "/api/v1/me", { token: last.secret })).status).toBe(401);
  });

  test("that expire close what is open by them", async ({ expect, server }) => {
    const made = await addToken(server, "u1", { label: "x", expiresAtMs: Date.now() + 4_000 });
    await using client = await TestClient.signIn(server, made.secret);
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect((await call(server, "/api/v1/me", { token: made.secret })).status).toBe(401);
  });

  test("give a browser their scopes, and no longer life", async ({ expect, server }) => {
    const expiresAtMs = Date.now() + 60_000;
    const body = { label: "x", scopes: ["sessions:read"], expiresAtMs };
    const { secret } = await addToken(server, "u1", body);
    const opened = await server.useCases.openBrowserSession(secret);
    expect(opened?.expiresAtMs).toBe(expiresAtMs);
    const headers = { cookie: `nexflow_session=${opened?.secret}` };
    const { json } = await call(server, "/api/v1/me", { token: undefined, headers });
    expect(json.scopes).toEqual(["sessions:read"]);
    const users = await call(server, USERS, { token: undefined, headers });
    expect(users.json).toMatchObject({ status: 403, code: "insufficient-scope" });
  });

  test.for<[string, unknown]>([
    ["no label", { scopes: ["sessions:read"] }],
    ["no scopes at all", { label: "x", scopes: [] }],
    ["an unknown scope", { label: "x", scopes: ["all"] }],
    ["a scope twice", { label: "x", scopes: ["users:read", "users:read"] }],
    ["a fraction of a moment", { label: "x", expiresAtMs: 1.5 }],
    ["a secret of its own", { label: "x", secret: "s" }],
  ])("are not made of %s", async ([, body], { expect, server }) => {
    const { json } = await call(server, `${USERS}/u1/tokens`, post(body));
    expect(json).toMatchObject({ status: 400, code: "bad-frame" });
  });
});

describe("lists", () => {
  test("of sessions, turns, tasks and messages lose nothing between pages", async ({
    expect,
    server,
  }) => {
    const first = await call(server, "/api/v1/messages", message("m0"));
    const { sessionId, turnId } = first.json;
    for (let i = 1; i < 7; i += 1) {
      await call(server, `/api/v1/sessions/${sessionId}/messages`, message(`m${i}`, `text ${i}`));
      await call(server, "/api/v1/messages", message(`s${i}`));
      server.useCases.addTask("u1" as never, sessionId, turnId);
    }
    const readAll = async (path: string, field: string) => {
      const pages: { id: string }[][] = [];
      let cursor = "";
      do {
        const { json } = await call(server, `${path}?limit=3${cursor}`);
        pages.push(json[field]);
        cursor = json.nextCursor === undefined ? "" : `&cursor=${json.nextCursor}`;
      } while (cursor !== "");
      return pages;
    };
    const lists = [
      ["/api/v1/sessions", "sessions", 7],
      [`/api/v1/sessions/${sessionId}/turns`, "turns", 7],
      ["/api/v1/tasks", "tasks", 6],
      [`/api/v1/sessions/${sessionId}/messages`, "messages", 7],
    ] as const;
    for (const [path, field, count] of lists) {
      const pages = await readAll(path, field);
      const ids = pages.flat().map(({ id }) => id);
      expect(ids, field).toHaveLength(count);
      expect(new Set(ids).size, field).toBe(count);
      expect(pages.length, field).toBe(Math.ceil(count / 3));
    }
    const filtered = await call(server, `/api/v1/tasks?state=failed&sessionId=${sessionId}`);
    expect(filtered.json).toEqual({ tasks: [] });
  });

  test("refuse a cursor of another kind", async ({ expect, server }) => {
    const { json: page } = await call(server, `${USERS}?limit=1`);
    for (const cursor of [page.nextCursor, "x", "", "a.b"]) {
      const { json } = await call(server, `/api/v1/sessions?cursor=${cursor}`);
      expect(json).toMatchObject({ status: 400, code: "bad-frame" });
      expect(json.detail).toContain('field "cursor" is wrong');
    }
    const twice = await call(server, "/api/v1/sessions?limit=1&limit=2");
    expect(twice.json.detail).toContain('field "limit" comes twice');
  });

  test("of the audit log are for operators", async ({ expect, server }) => {
    await server.useCases.addUser({ id: "op", role: "operator", token: "operator" });
    const operator = { token: "operator" };
    const { json } = await call(server, "/api/v1/audit?limit=2", operator);
    expect(json.entries.map(({ seq }: { seq: number }) => seq)).toEqual([3, 2]);
    const rest = await call(server, `/api/v1/audit?cursor=${json.nextCursor}`, operator);
    expect(rest.json.entries.map(({ seq }: { seq: number }) => seq)).toEqual([1]);
    const denials = await call(server, "/api/v1/audit?action=access.denied", operator);
    expect(denials.json.entries).toHaveLength(1);
    expect((await call(server, "/api/v1/audit/verify", operator)).json.kind).toBe("intact");
    expect((await call(server, "/api/v1/audit", { token: OTHER_TOKEN })).status).toBe(403);
  });
});
