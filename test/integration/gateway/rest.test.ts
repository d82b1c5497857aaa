import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import { SCOPES } from "#domain/user/scope.ts";
import { type CallOptions, call, message } from "../../support/call-api.ts";
import { OTHER_TOKEN, TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import type { TestGateway } from "../../support/gateway-client.ts";
import { openTestGateway, TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

async function send(server: TestGateway, clientMessageId = "c1") {
  const { json } = await call(server, "/api/v1/messages", message(clientMessageId));
  return { sessionId: parseSessionId(json.sessionId), turnId: parseTurnId(json.turnId), json };
}

async function logIn(server: TestGateway, token = TOKEN) {
  const { response } = await call(server, "/api/v1/login", {
    method: "POST",
    token: undefined,
    body: { token },
  });
  return response.headers.get("set-cookie") ?? "";
}

describe("login", () => {
  test("sets a cookie that stands for the token", async ({ expect, server }) => {
    const cookie = await logIn(server);
    expect(cookie).toMatch(
      /^nexflow_session=[\w-]{43}; Expires=[^;]+ GMT; Path=\/; HttpOnly; SameSite=Strict$/u,
    );
    const headers = { cookie: cookie.split(";")[0] ?? "" };
    const me = await call(server, "/api/v1/me", { token: undefined, headers });
    expect(me.json).toEqual({
      userId: "u1",
      name: "Ada",
      role: "admin",
      scopes: [...SCOPES],
      model: "offline/rules",
      version: "0.1.0",
    });
  });

  test("marks the cookie Secure where people come by https", async ({ expect }) => {
    await using server = await openTestGateway({ publicUrl: "https://chat.example" });
    const body = JSON.stringify({ token: TOKEN });
    const answer = await raw(server, [
      "POST /api/v1/login HTTP/1.1",
      "Host: chat.example",
      "Origin: https://chat.example",
      `Content-Length: ${body.length}`,
      "",
      body,
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 204 /u);
    expect(answer).toContain("SameSite=Strict; Secure");
    expect(answer).not.toMatch(/content-length/iu);
  });

  test("is refused for a wrong token, and too many attempts for all", async ({
    expect,
    server,
  }) => {
    const attempt = (token: string) =>
      call(server, "/api/v1/login", { method: "POST", token: undefined, body: { token } });
    const refused = await Promise.all(Array.from({ length: 10 }, () => attempt("wrong")));
    expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    const limited = await attempt(TOKEN);
    expect(limited.json).toMatchObject({ status: 429, code: "rate-limited" });
    expect(Number(limited.response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(limited.response.headers.get("retry-after"))).toBeLessThanOrEqual(60);
  });

  test("ends by logout, and the sockets that came in by it", async ({ expect, server }) => {
    const cookie = (await logIn(server)).split(";")[0] ?? "";
    await using client = await TestClient.open(server, { cookie, origin: server.url });
    await using stranger = await TestClient.signIn(server);
    await client.ask({ type: "hello" });
    const headers = { cookie, origin: server.url };
    const out = await call(server, "/api/v1/logout", { method: "POST", token: undefined, headers });
    expect(out.status).toBe(204);
    expect(out.response.headers.get("set-cookie")).toContain("nexflow_session=; Max-Age=0");
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect((await call(server, "/api/v1/me", { token: undefined, headers })).status).toBe(401);
    expect(await stranger.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });
});

describe("the API", () => {
  test("takes a message once and shows it", async ({ expect, server }) => {
    const first = await call(server, "/api/v1/messages", message("c1"));
    expect(first.status).toBe(202);
    const again = await call(server, "/api/v1/messages", message("c1"));
    expect([again.status, again.json]).toEqual([first.status, first.json]);
    expect(first.response.headers.get("idempotent-replayed")).toBeNull();
    expect(again.response.headers.get("idempotent-replayed")).toBe("true");
    const { sessionId, turnId } = first.json;
    const { json } = await call(server, `/api/v1/sessions/${sessionId}/messages`);
    expect(json).toEqual({
      messages: [
        {
          id: first.json.messageId,
          role: "user",
          content: "hi",
          turnId,
          createdAtMs: expect.any(Number),
        },
      ],
      seq: 1,
      epoch: 1,
      turns: [{ id: turnId, state: "running" }],
    });
    const path = `/api/v1/sessions/${sessionId}/messages`;
    const into = await call(server, path, message("c2", "more"));
    expect(into.json).toMatchObject({ sessionId, clientMessageId: "c2" });
  });

  test("lists sessions, latest first and page by page", async ({ expect, server }) => {
    const sent = [await send(server, "c1"), await send(server, "c2"), await send(server, "c3")];
    const newest = sent.map(({ sessionId }) => sessionId).toReversed();
    const list = await call(server, "/api/v1/sessions?limit=2");
    expect(list.json.sessions.map(({ id }: { id: string }) => id)).toEqual(newest.slice(0, 2));
    expect(Object.keys(list.json.sessions[0])).toEqual([
      "id",
      "title",
      "createdAtMs",
      "updatedAtMs",
    ]);
    const rest = await call(server, `/api/v1/sessions?cursor=${list.json.nextCursor}`);
    expect(rest.json.nextCursor).toBeUndefined();
    expect(rest.json.sessions.map(({ id }: { id: string }) => id)).toEqual(newest.slice(2));
  });

  test("cancels a turn and deletes its session, in this order", async ({ expect, server }) => {
    const { sessionId, turnId } = await send(server);
    const busy = await call(server, `/api/v1/sessions/${sessionId}`, { method: "DELETE" });
    expect(busy.json).toMatchObject({ status: 409, code: "conflict" });
    expect((await call(server, `/api/v1/turns/${turnId}/cancel`, { method: "POST" })).status).toBe(
      202,
    );
    expect((await call(server, `/api/v1/turns/${turnId}/cancel`, { method: "POST" })).status).toBe(
      202,
    );
    expect((await call(server, `/api/v1/sessions/${sessionId}`, { method: "DELETE" })).status).toBe(
      204,
    );
    expect((await call(server, `/api/v1/sessions/${sessionId}/messages`)).status).toBe(404);
  });

  test("lists skills", async ({ expect, server }) => {
    const { json } = await call(server, "/api/v1/skills");
    const tools = [
      { name: "now", description: "Now", effects: ["read"], examples: ["what time is it"] },
    ];
    expect(json.skills).toEqual([
      { name: "clock", version: "1.0.0", description: "Tells the time", tools },
    ]);
    expect(json.promptSkills).toEqual([
      { name: "letters" },
      { name: "reports", description: "Write a report" },
    ]);
  });

  test.for<[string, number, string, string, CallOptions]>([
    ["no token", 401, "unauthorized", "/api/v1/me", { token: undefined }],
    ["a wrong token", 401, "unauthorized", "/api/v1/me", { token: "wrong" }],
    [
      "a token of another form",
      401,
      "unauthorized",
      "/api/v1/me",
      { token: undefined, headers: { authorization: "Basic eDp5" } },
    ],
    [
      "an unknown cookie",
      401,
      "unauthorized",
      "/api/v1/me",
      { token: undefined, headers: { cookie: "nexflow_session=x" } },
    ],
    [
      "a foreign page",
      403,
      "forbidden",
      "/api/v1/me",
      { headers: { origin: "https://evil.example" } },
    ],
    [
      "a change by cookie from nowhere",
      403,
      "forbidden",
      "/api/v1/logout",
      { method: "POST", token: undefined, headers: { cookie: "nexflow_session=x" } },
    ],
    ["an unknown address", 404, "not-found", "/api/v1/nothing", {}],
    ["an unknown session", 404, "not-found", "/api/v1/sessions/nobody/messages", {}],
    ["a session id of other letters", 404, "not-found", "/api/v1/sessions/a%20b/messages", {}],
    ["an unknown turn", 404, "not-found", "/api/v1/turns/nobody/cancel", { method: "POST" }],
    ["another method", 405, "method-not-allowed", "/api/v1/me", { method: "POST" }],
    ["a page by POST", 405, "method-not-allowed", "/", { method: "POST" }],
    ["no JSON", 400, "bad-frame", "/api/v1/messages", { ...message("c"), body: "{" }],
    [
      "deep JSON",
      400,
      "bad-frame",
      "/api/v1/messages",
      { ...message("c"), body: "[".repeat(60_000) },
    ],
    [
      "an unknown field",
      400,
      "bad-frame",
      "/api/v1/messages",
      { ...message("c"), body: { text: "hi", x: 1 } },
    ],
    ["an unknown parameter", 400, "bad-frame", "/api/v1/sessions?x=1", {}],
    ["a limit too high", 400, "bad-frame", "/api/v1/sessions?limit=201", {}],
    ["a limit that is no number", 400, "bad-frame", "/api/v1/sessions?limit=-1", {}],
    [
      "a body too long",
      413,
      "too-large",
      "/api/v1/schedules",
      { method: "POST", body: "x".repeat(200_000) },
    ],
    [
      "a message too long",
      413,
      "too-large",
      "/api/v1/messages",
      { method: "POST", body: "x".repeat(8_388_609) },
    ],
    [
      "a message of too many values",
      400,
      "bad-frame",
      "/api/v1/messages",
      { ...message("c"), body: `{"text":"hi","images":[${"0,".repeat(1_001)}0]}` },
    ],
  ])("refuses %s", async ([, status, code, path, options], { expect, server }) => {
    const { response, json, status: given } = await call(server, path, options);
    expect(given).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(json).toMatchObject({ type: `/api/v1/problems/${code}`, status, code });
    expect(json.detail).toMatch(/^[A-Z].*[^.]$/u);
    expect((await call(server, "/healthz")).status).toBe(200);
  });

  test("refuses what is another user's as unknown", async ({ expect, server }) => {
    const { sessionId, turnId } = await send(server);
    const bob = { token: OTHER_TOKEN };
    const answers = await Promise.all([
      call(server, `/api/v1/sessions/${sessionId}/messages`, bob),
      call(server, `/api/v1/sessions/${sessionId}`, { ...bob, method: "DELETE" }),
      call(server, `/api/v1/turns/${turnId}/cancel`, { ...bob, method: "POST" }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  test("refuses another text under the same id, and what is too much", async ({
    expect,
    server,
  }) => {
    await send(server);
    const post = (options: CallOptions) => call(server, "/api/v1/messages", options);
    expect((await post(message("c1", "other"))).json).toMatchObject({
      status: 422,
      code: "idempotency-key-reused",
    });
    server.useCases.overload();
    const busy = await post(message("c2"));
    expect(busy.json).toMatchObject({ status: 503, code: "overloaded", retryAfterMs: 1_500 });
    expect(busy.response.headers.get("retry-after")).toBe("2");
    server.useCases.breakStore();
    const gone = await post(message("c3"));
    expect(gone.json).toMatchObject({ status: 503, code: "storage_unavailable" });
    expect(gone.text).not.toContain("/secret/path");
  });

  test("refuses requests for another host, but not the probes", async ({ expect, server }) => {
    const ask = (path: string) =>
      raw(server, [`GET ${path} HTTP/1.1`, "Host: evil.example", "", ""]);
    expect(await ask("/")).toMatch(/^HTTP\/1\.1 421 /u);
    expect(await ask("/api/v1/me")).toMatch(/^HTTP\/1\.1 421 /u);
    expect(await ask("/healthz")).toMatch(/^HTTP\/1\.1 200 /u);
    server.useCases.isReady = false;
    const readyz = await call(server, "/readyz");
    expect(readyz.status).toBe(503);
    expect(readyz.json).toEqual({ isReady: false, reasons: ["The store is not open"] });
  });

  test("outlives clients that go away before the answer", async ({ expect, server }) => {
    const release = server.useCases.hold();
    const gone = Array.from({ length: 50 }, async (_, i) => {
      const abort = new AbortController();
      const answer = call(server, "/api/v1/me").catch(() => "aborted");
      const aborted = fetch(`${server.url}/api/v1/messages`, {
        method: "POST",
        signal: abort.signal,
        headers: { authorization: `Bearer ${TOKEN}`, "idempotency-key": `c${i}` },
        body: JSON.stringify({ text: "hi" }),
      }).catch((error: Error) => error.name);
      await expect.poll(() => server.useCases.calls.length).toBeGreaterThan(i);
      abort.abort();
      expect(await aborted).toBe("AbortError");
      return answer;
    });
    await expect.poll(() => server.useCases.calls.length).toBeGreaterThanOrEqual(50);
    release();
    await Promise.all(gone);
    expect((await call(server, "/api/v1/me")).status).toBe(200);
    expect(server.logged).toEqual([]);
  });
});

describe("the page", () => {
  test("is served with its policy", async ({ expect, server }) => {
    const { response, text } = await call(server, "/", { token: undefined });
    expect(text).toContain("<title>Nexflow</title>");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    expect(response.headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types nexflow dompurify svelte-trusted-html",
    );
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const etag = response.headers.get("etag") ?? "";
    const again = await call(server, "/", { headers: { "if-none-match": etag } });
    expect([again.status, again.text]).toEqual([304, ""]);
  });

  test("has assets that browsers may keep", async ({ expect, server }) => {
    const { response } = await call(server, "/assets/app-1a2b.js");
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    const head = await call(server, "/assets/app-1a2b.js", { method: "HEAD" });
    expect([head.status, head.text]).toEqual([200, ""]);
    expect(head.response.headers.get("content-length")).toBe("11");
    expect((await call(server, "/assets/none.js")).status).toBe(404);
  });

  test("says how it is built where it is not", async ({ expect }) => {
    const webDir = fileURLToPath(new URL("../../fixtures/no-such-folder", import.meta.url));
    await using server = await openTestGateway({ webDir });
    const { status, text } = await call(server, "/");
    expect(status).toBe(503);
    expect(text).toContain("npm run build:web");
  });
});

/** Sends exactly these lines and reads what comes first. */
async function raw({ gateway }: TestGateway, lines: readonly string[]): Promise<string> {
  const socket = net.connect(gateway.port, "127.0.0.1");
  socket.write(lines.join("\r\n"));
  const [data] = await once(socket, "data");
  socket.destroy();
  return String(data);
}
