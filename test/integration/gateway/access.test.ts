import { once } from "node:events";
import net from "node:net";
import { describe, type ExpectStatic } from "vitest";
import { WebSocket } from "ws";
import { parseCredentialId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { SCOPES, type Scope } from "#domain/user/scope.ts";
import { ROLES, type UserRole } from "#domain/user/user.ts";
import { scopesOf } from "#presentation/gateway/access.ts";
import { FRAME_ACCESS } from "#presentation/gateway/frames.ts";
import type { PathParam } from "#presentation/gateway/path-params.ts";
import type { Route } from "#presentation/gateway/route.ts";
import { listOpenAiRoutes, listRoutes } from "../../support/api-document.ts";
import { type CallOptions, call, message } from "../../support/call-api.ts";
import { createFakeUseCases, OTHER_TOKEN, TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import type { TestGateway } from "../../support/gateway-client.ts";
import { openTestGateway, TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

/*
 * Every route and every frame there is, taken from their own tables: each is refused to everybody
 * whom its declared access does not let in, and then no use case hears of it.
 */

const tableOf = createFakeUseCases();
const OPENAI_ROUTES = listOpenAiRoutes(tableOf);
const API_ROUTES = listRoutes(tableOf);
const ROUTES = [...API_ROUTES, ...OPENAI_ROUTES];
/** Their answer comes when a turn ends, which here none does. */
const SLOW = new Set(["createChatCompletion", "createResponse"]);
const baseOf = (route: Route) => (OPENAI_ROUTES.includes(route) ? "/v1" : "/api/v1");
const codeOf = (json: { code?: string; error?: { code: string } }) => json.code ?? json.error?.code;
await tableOf[Symbol.asyncDispose]();
const nameOf = ({ method, path }: Route) => `${method} ${path}`;
const GUARDED = ROUTES.filter(({ access }) => access !== "anyone");
const SCOPED = ROUTES.flatMap((route) =>
  typeof route.access === "object"
    ? [{ route, role: route.access.role, scopes: scopesOf(route.access) }]
    : [],
);
/** Listed by hand, so that nothing becomes open to everybody by a slip. */
const OPEN = ["post /login", "post /logout", "get /openapi.json", "get /problems/{code}"];
const UNLIMITED = { requests: 0, messages: 0, signIns: 0, signInsInAll: 0 };
const LOOKING_UP = new Set(["signIn", "findBrowserSession"]);

/** One thing of Ada's of each kind that a path may name, by the name of its parameter. */
async function makeThings(server: TestGateway): Promise<Readonly<Record<PathParam, string>>> {
  const sent = await call(server, "/api/v1/messages", message("things"));
  const sessionId = parseSessionId(sent.json.sessionId);
  const turnId = parseTurnId(sent.json.turnId);
  const approvalId = await server.useCases.addApproval(parseUserId("u1"), sessionId, turnId);
  const taskId = server.useCases.addTask(parseUserId("u1"), sessionId, turnId);
  const route = ROUTES.find(({ path, method }) => path === "/schedules" && method === "post");
  const body = route?.body?.example;
  const made = await call(server, "/api/v1/schedules", { ...message("schedule"), body });
  const token = await call(server, "/api/v1/users/u1/tokens", {
    method: "POST",
    body: { label: "things" },
  });
  const more = message("more things");
  await call(server, `/api/v1/sessions/${sessionId}/messages`, more);
  const compactions = `/api/v1/sessions/${sessionId}/compactions`;
  const compacted = await call(server, compactions, { method: "POST" });
  const note = await call(server, "/api/v1/memory", { method: "POST", body: { text: "Tea" } });
  await call(server, `/api/v1/sessions/${sessionId}/pins/${sent.json.messageId}`, {
    method: "PUT",
  });
  return {
    sessionId,
    turnId,
    messageId: sent.json.messageId,
    compactionId: compacted.json.id,
    noteId: note.json.id,
    approvalId,
    taskId,
    scheduleId: made.json.id,
    userId: "u1",
    tokenId: parseCredentialId(token.json.id),
    code: "not-found",
    responseId: `resp_${turnId}`,
    provider: "offline",
    modelName: "rules",
  };
}

/** A request of the route that would be as it has to be, if its sender were. */
function requestOf(
  route: Route,
  things: Readonly<Record<string, string>>,
): [path: string, options: CallOptions] {
  const { method, path, body, headers = [] } = route;
  const filled = path.replaceAll(/\{(?<name>\w+)\}/gu, (_, name: string) => things[name] ?? "none");
  return [
    `${baseOf(route)}${filled}`,
    {
      method: method.toUpperCase(),
      headers: headers.includes("idempotency-key") ? { "idempotency-key": "walk" } : {},
      ...(body === undefined ? {} : { body: body.example }),
    },
  ];
}

/** Of so many refusals of one address 60 are noted at once, and one more each second. */
function expectNoted({ useCases }: TestGateway, refused: number, expect: ExpectStatic): void {
  const { length } = useCases.denials;
  expect(length).toBeGreaterThanOrEqual(Math.min(refused, 60));
  expect(length).toBeLessThanOrEqual(refused);
}

const nothingCalled = ({ useCases }: TestGateway) =>
  useCases.calls.filter((name) => !LOOKING_UP.has(name));

test("only these routes are for anyone", ({ expect }) => {
  const open = ROUTES.filter(({ access }) => access === "anyone").map(nameOf);
  expect(open.toSorted()).toEqual(OPEN.toSorted());
});

test("each route is there once", ({ expect }) => {
  const names = ROUTES.map((route) => `${route.method} ${baseOf(route)}${route.path}`);
  expect(new Set(names).size).toBe(names.length);
  const operations = ROUTES.map(({ name }) => name);
  expect(new Set(operations).size).toBe(operations.length);
});

describe("each route", () => {
  test.for<[string, CallOptions]>([
    ["no token", { token: undefined }],
    ["a wrong token", { token: "wrong" }],
    ["a cookie of nothing", { token: undefined, headers: { cookie: "nexflow_session=wrong" } }],
    [
      "a wrong token beside a role of its own making",
      { token: "wrong", headers: { "x-role": "admin", "x-scope": SCOPES.join(" ") } },
    ],
  ])("is refused to who has %s", async ([what, shown], { expect }) => {
    await using server = await openTestGateway({ rateLimits: UNLIMITED });
    for (const route of GUARDED) {
      const [path, options] = requestOf(route, {});
      const headers = { ...options.headers, ...shown.headers, origin: server.url };
      const { status, json } = await call(server, path, { ...options, ...shown, headers });
      expect([status, codeOf(json)], nameOf(route)).toEqual([401, "unauthorized"]);
    }
    expect(nothingCalled(server)).toEqual([]);
    const wasRefused = what !== "no token";
    if (wasRefused) expectNoted(server, GUARDED.length, expect);
    else expect(server.useCases.denials).toEqual([]);
  });

  test("is refused to a token that lacks its scope", async ({ expect, server }) => {
    for (const scope of SCOPES) {
      const scopes = SCOPES.filter((each) => each !== scope);
      await server.useCases.addUser({ id: "u3", role: "admin", token: `no-${scope}`, scopes });
    }
    const wants = SCOPED.flatMap(({ route, scopes }) => scopes.map((scope) => ({ route, scope })));
    for (const { route, scope } of wants) {
      const [path, options] = requestOf(route, {});
      const { status, json } = await call(server, path, { ...options, token: `no-${scope}` });
      expect([status, codeOf(json)], nameOf(route)).toEqual([403, "insufficient-scope"]);
      expect(json.detail ?? json.error.message).toContain(scope);
    }
    expect(nothingCalled(server)).toEqual([]);
    expectNoted(server, wants.length, expect);
  });

  test("by which the agent is sent something asks for the scope of messages", ({ expect }) => {
    const writes = SCOPED.filter(({ scopes }) => scopes.includes("sessions:write"));
    const names = writes.map(({ route }) => route.name);
    expect(names).toEqual(
      expect.arrayContaining(["startSession", "sendMessage", "createSchedule", "runSchedule"]),
    );
  });

  test("is refused to a role too low", async ({ expect, server }) => {
    const tooLow = SCOPED.flatMap(({ route, role }) =>
      ROLES.slice(0, ROLES.indexOf(role)).map((lower) => ({ route, lower })),
    );
    expect(tooLow.length).toBeGreaterThan(5);
    for (const role of ROLES) await server.useCases.addUser({ id: role, role, token: role });
    for (const { route, lower } of tooLow) {
      const [path, options] = requestOf(route, {});
      const { status, json } = await call(server, path, { ...options, token: lower });
      expect([status, codeOf(json)], nameOf(route)).toEqual([403, "insufficient-role"]);
    }
    expect(nothingCalled(server)).toEqual([]);
    expect(server.useCases.denials.map(({ userId, code }) => [userId, code])).toEqual(
      tooLow.map(({ lower }) => [lower, "insufficient-role"]),
    );
  });

  test("lets in who has just its scopes and its role", async ({ expect, server }) => {
    const things = await makeThings(server);
    const isEnough = async (route: Route, scopes: readonly Scope[], role: UserRole) => {
      const token = `${scopes.join("-")}-${role}`;
      await server.useCases.addUser({ id: `just-${role}`, role, token, scopes });
      const [path, options] = requestOf(route, things);
      if (path.endsWith("/events") || SLOW.has(route.name)) return;
      const { status } = await call(server, path, { ...options, token });
      expect(status, nameOf(route)).not.toBeOneOf([401, 403, 500]);
    };
    for (const { route, scopes, role } of SCOPED) await isEnough(route, scopes, role);
  });

  test("shows another user's things as none at all, and changes nothing", async ({
    expect,
    server,
  }) => {
    const things = await makeThings(server);
    const none = Object.fromEntries(Object.keys(things).map((name) => [name, "none"]));
    const named = SCOPED.map(({ route }) => route).filter(({ params }) => params.length > 0);
    expect(named.length).toBeGreaterThan(10);
    for (const route of named) {
      const answers = [];
      for (const which of [things, none]) {
        const [path, options] = requestOf(route, which);
        const { status, text } = await call(server, path, { ...options, token: OTHER_TOKEN });
        answers.push({ status, text });
      }
      const [foreign, unknown] = answers;
      expect(foreign, nameOf(route)).toEqual(unknown);
      expect(foreign?.status, nameOf(route)).toBeOneOf([403, 404]);
    }
    for (const route of named.filter(({ method }) => method === "get")) {
      const [path] = requestOf(route, things);
      if (path.endsWith("/events")) continue;
      expect((await call(server, path)).status, nameOf(route)).toBe(200);
    }
  });

  test("lists nothing of another user's", async ({ expect, server }) => {
    await makeThings(server);
    const lists = SCOPED.filter(
      ({ route, role }) => route.method === "get" && !route.path.includes("{") && role === "member",
    );
    for (const { route } of lists) {
      if (route.path === "/skills" || route.path === "/models") continue;
      const { json } = await call(server, `/api/v1${route.path}`, { token: OTHER_TOKEN });
      expect(Object.values(json), nameOf(route)).toEqual([[]]);
    }
  });

  test("that may show another user's things does so to high roles only, and when asked", async ({
    expect,
    server,
  }) => {
    const things = await makeThings(server);
    await server.useCases.addUser({ id: "op", role: "operator", token: "operator" });
    await server.useCases.addUser({ id: "root", role: "admin", token: "root" });
    const document = await call(server, "/api/v1/openapi.json");
    const wide = GUARDED.filter((route) => API_ROUTES.includes(route)).filter(({ path, method }) =>
      document.json.paths[path][method].parameters?.some(
        (each: { name: string; in: string }) => each.name === "userId" && each.in === "query",
      ),
    );
    expect(wide.length).toBeGreaterThan(5);
    for (const route of wide) {
      const [path] = requestOf(route, things);
      const ask = (token: string) => call(server, `${path}?userId=u1`, { token });
      expect((await ask("root")).status, nameOf(route)).toBe(200);
      expect((await ask(TOKEN)).status, nameOf(route)).toBe(200);
      expect((await ask(OTHER_TOKEN)).json.code, nameOf(route)).toBe("insufficient-role");
      const isForOperators = /^\/(?:tasks|schedules)/u.test(route.path);
      expect((await ask("operator")).status, nameOf(route)).toBe(isForOperators ? 200 : 403);
      const asked = `GET ${path}`;
      const denied = { address: "127.0.0.1", asked, code: "insufficient-role" };
      expect(server.useCases.denials.splice(0), nameOf(route)).toEqual([
        { ...denied, userId: "u2" },
        ...(isForOperators ? [] : [{ ...denied, userId: "op" }]),
      ]);
    }
  });
});

describe("each refusal is noted once", () => {
  const noted = ({ useCases }: TestGateway) =>
    useCases.denials.splice(0).map(({ userId, asked, code }) => [userId, asked, code]);
  const limited = (limits: Partial<typeof UNLIMITED>) =>
    openTestGateway({ rateLimits: { ...UNLIMITED, ...limits } });
  /** The status of an upgrade that is refused. */
  const upgrade = async ({ url }: TestGateway, headers: Readonly<Record<string, string>> = {}) => {
    const ws = new WebSocket(`${url.replace("http", "ws")}/ws`, "nexflow.v1", { headers });
    const [, { statusCode }] = (await once(ws, "unexpected-response")) as [
      unknown,
      { readonly statusCode: number },
    ];
    ws.on("error", () => undefined).terminate();
    return statusCode;
  };

  test("a token with a scope that its maker lacks", async ({ expect, server }) => {
    const scopes: Scope[] = ["tokens:write"];
    await server.useCases.addUser({ id: "u3", role: "member", token: "narrow", scopes });
    const { status, json } = await call(server, "/api/v1/users/u3/tokens", {
      method: "POST",
      token: "narrow",
      body: { label: "wide", scopes: ["tokens:write", "sessions:read"] },
    });
    expect([status, json.code]).toEqual([403, "insufficient-scope"]);
    expect(noted(server)).toEqual([["u3", "POST /api/v1/users/u3/tokens", "insufficient-scope"]]);
  });

  test("a page or a name of somebody else's", async ({ expect, server }) => {
    const origin = "https://elsewhere.example";
    expect((await call(server, "/api/v1/me", { headers: { origin } })).status).toBe(403);
    expect(noted(server)).toEqual([[undefined, "GET /api/v1/me", "forbidden"]]);
    expect(await upgrade(server, { origin })).toBe(403);
    expect(noted(server)).toEqual([[undefined, "GET /ws", "forbidden"]]);
    expect(await upgrade(server, { host: "elsewhere.example" })).toBe(421);
    expect(noted(server)).toEqual([[undefined, "GET /ws", "misdirected"]]);
    const socket = net.connect(server.gateway.port, "127.0.0.1");
    socket.write("GET /api/v1/me HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n");
    const [answer] = await once(socket, "data");
    socket.destroy();
    expect(String(answer)).toContain("421");
    expect(noted(server)).toEqual([[undefined, "GET /api/v1/me", "misdirected"]]);
  });

  test("a login, wrong or one too many", async ({ expect }) => {
    await using server = await limited({ signIns: 1 });
    const login = { method: "POST", token: undefined, body: { token: "wrong" } };
    for (const code of ["unauthorized", "rate-limited"]) {
      expect((await call(server, "/api/v1/login", login)).json.code).toBe(code);
      expect(noted(server)).toEqual([[undefined, "POST /api/v1/login", code]]);
    }
    expect((await call(server, "/api/v1/me", { token: "wrong" })).status).toBe(429);
    expect(noted(server)).toEqual([[undefined, "GET /api/v1/me", "rate-limited"]]);
    await using client = await TestClient.open(server);
    await client.ask({ type: "hello", token: "wrong" });
    expect(noted(server)).toEqual([[undefined, "hello", "rate-limited"]]);
  });

  test("a wrong hello, also of who does not wait for the answer", async ({ expect, server }) => {
    const letGo = server.useCases.hold();
    await using client = await TestClient.open(server);
    client.send({ type: "hello", token: "wrong" });
    client.send({ type: "ping", id: 1 });
    await client.closed;
    letGo();
    await expect.poll(() => noted(server)).toEqual([[undefined, "hello", "unauthorized"]]);
  });

  test("a message too many", async ({ expect }) => {
    await using server = await limited({ messages: 1 });
    await using client = await TestClient.signIn(server);
    expect((await call(server, "/api/v1/messages", message("a"))).status).toBe(202);
    expect((await call(server, "/api/v1/messages", message("b"))).status).toBe(429);
    expect(noted(server)).toEqual([["u1", "POST /api/v1/messages", "rate-limited"]]);
    await client.ask({ type: "send", clientMessageId: "c", text: "hi" });
    expect(noted(server)).toEqual([["u1", "send", "rate-limited"]]);
  });

  test("a request, a frame, an upgrade too many", async ({ expect }) => {
    await using server = await limited({ requests: 1 });
    await using client = await TestClient.signIn(server);
    await client.ask({ type: "cancel", turnId: "t1" });
    await client.ask({ type: "subscribe", sessionId: "s1", after: 0 });
    expect(noted(server)).toEqual([
      ["u1", "cancel", "rate-limited"],
      ["u1", "subscribe", "rate-limited"],
    ]);
    expect((await call(server, "/api/v1/me")).status).toBe(429);
    expect(noted(server)).toEqual([[undefined, "GET /api/v1/me", "rate-limited"]]);
    expect(await upgrade(server)).toBe(429);
    expect(noted(server)).toEqual([[undefined, "GET /ws", "rate-limited"]]);
  });
});

describe("each frame", () => {
  const frames: Readonly<Record<keyof typeof FRAME_ACCESS, (things: Things) => object>> = {
    hello: () => ({ type: "hello", token: "wrong" }),
    ping: () => ({ type: "ping", id: 1 }),
    send: ({ sessionId }) => ({ type: "send", clientMessageId: "c9", text: "hi", sessionId }),
    subscribe: ({ sessionId }) => ({ type: "subscribe", sessionId, after: 0 }),
    cancel: ({ turnId }) => ({ type: "cancel", turnId }),
    decide: ({ approvalId }) => ({
      type: "decide",
      approvalId,
      inputHash: "0".repeat(64),
      decision: { kind: "deny" },
    }),
  };
  type Things = Readonly<Record<PathParam, string>>;
  const types = Object.keys(FRAME_ACCESS) as (keyof typeof FRAME_ACCESS)[];
  const none = { sessionId: "none", turnId: "none", approvalId: "none" } as Things;

  test("is refused to who has not signed in", async ({ expect, server }) => {
    for (const type of types) {
      await using client = await TestClient.open(server);
      expect(await client.ask(frames[type](none)), type).toMatchObject({ code: "unauthorized" });
      expect((await client.closed).code).toBe(4401);
    }
    expect(nothingCalled(server)).toEqual([]);
  });

  test("is refused to a token that lacks its scope", async ({ expect, server }) => {
    const scoped = types.filter((type) => typeof FRAME_ACCESS[type] === "object");
    expect(scoped.length).toBeGreaterThan(2);
    await server.useCases.addUser({
      id: "u3",
      role: "admin",
      token: "reads-skills",
      scopes: ["skills:read"],
    });
    await using client = await TestClient.signIn(server, "reads-skills");
    for (const type of scoped) {
      const answer = await client.ask(frames[type](none));
      expect(answer, type).toMatchObject({ type: "error", code: "insufficient-scope" });
    }
    expect(nothingCalled(server)).toEqual([]);
    expect(server.useCases.denials.map(({ asked }) => asked)).toEqual(scoped);
  });

  test("shows another user's things as none at all", async ({ expect, server }) => {
    const things = await makeThings(server);
    await using client = await TestClient.signIn(server, OTHER_TOKEN);
    for (const type of types.filter((each) => typeof FRAME_ACCESS[each] === "object")) {
      const foreign = await client.ask(frames[type](things));
      const unknown = await client.ask(frames[type](none));
      expect({ ...foreign, ref: "" }, type).toEqual({ ...unknown, ref: "" });
      expect(foreign, type).toMatchObject({ type: "error", code: "not-found" });
    }
  });
});
