import { once } from "node:events";
import net from "node:net";
import { describe, test } from "vitest";
import { WebSocket } from "ws";
import { createRateLimits, DEFAULT_RATE_LIMITS } from "#presentation/gateway/rate-limits.ts";
import { call, message } from "../../support/call-api.ts";
import { OTHER_TOKEN, TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import { openTestGateway, TestClient } from "../../support/gateway-client.ts";

const SCHEDULE = {
  name: "Each day",
  when: { kind: "every", everyMs: 86_400_000 },
  action: { kind: "message", text: "hi" },
};
const open = (limits: Partial<typeof DEFAULT_RATE_LIMITS>, more: object = {}) =>
  openTestGateway({ rateLimits: { ...DEFAULT_RATE_LIMITS, ...limits }, ...more });
const login = (token: string, headers: Readonly<Record<string, string>> = {}) => ({
  method: "POST",
  token: undefined,
  headers,
  body: { token },
});

describe("requests", () => {
  test("of one address are limited, whoever makes them, also from this machine", async ({
    expect,
  }) => {
    await using server = await open({ requests: 5 });
    const statuses = [];
    for (const token of [TOKEN, OTHER_TOKEN, undefined, TOKEN, TOKEN, TOKEN, OTHER_TOKEN]) {
      statuses.push((await call(server, "/api/v1/me", { token })).status);
    }
    expect(statuses).toEqual([200, 200, 401, 200, 200, 429, 429]);
    const { json, response } = await call(server, "/api/v1/me");
    expect(json).toMatchObject({ code: "rate-limited", retryAfterMs: expect.any(Number) });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(server.useCases.denials.filter(({ code }) => code === "rate-limited")).toHaveLength(3);
    expect((await call(server, "/healthz")).status).toBe(200);
    const ws = new WebSocket(`${server.url.replace("http", "ws")}/ws`, "nexflow.v1");
    const [, refused] = (await once(ws, "unexpected-response")) as [
      unknown,
      { statusCode: number },
    ];
    expect(refused.statusCode).toBe(429);
    ws.on("error", () => undefined).terminate();
  });

  test("of one user are limited, from wherever they come", async ({ expect }) => {
    await using server = await open({ requests: 5 }, { trustedProxies: ["127.0.0.1"] });
    const ask = (at: number, token = TOKEN) =>
      call(server, "/api/v1/me", { token, headers: { "x-forwarded-for": `192.0.2.${at}` } });
    for (let at = 0; at < 5; at += 1) expect((await ask(at)).status).toBe(200);
    expect((await ask(99)).status).toBe(429);
    expect((await ask(99, OTHER_TOKEN)).status).toBe(200);
  });

  test("count by X-Forwarded-For only where a trusted proxy says so", async ({ expect }) => {
    await using server = await open({ requests: 3 });
    const ask = (at: number) =>
      call(server, "/api/v1/skills", {
        token: undefined,
        headers: { "x-forwarded-for": `192.0.2.${at}` },
      });
    const statuses = await Promise.all([1, 2, 3, 4].map(ask));
    expect(statuses.filter(({ status }) => status === 429)).toHaveLength(1);
  });
});

test("a proxy's X-Forwarded-For counts below one that the client wrote", async ({ expect }) => {
  await using server = await open({ requests: 2 }, { trustedProxies: ["127.0.0.1"] });
  const ask = async (at: number) => {
    const socket = net.connect(server.gateway.port, "127.0.0.1");
    const lines = [
      "GET /api/v1/problems/conflict HTTP/1.1",
      `Host: 127.0.0.1:${server.gateway.port}`,
      `X-Forwarded-For: 192.0.2.${at}`,
      "X-Forwarded-For: 198.51.100.7",
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const [data] = await once(socket, "data");
    socket.destroy();
    return String(data).slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
  };
  expect([await ask(1), await ask(2), await ask(3)]).toEqual(["200", "200", "429"]);
});

describe("messages", () => {
  test("are as many as schedules run out of turn, and those no more", async ({ expect }) => {
    await using server = await open({ messages: 2 });
    const made = await call(server, "/api/v1/schedules", { ...message("made"), body: SCHEDULE });
    const run = (key: string) =>
      call(server, `/api/v1/schedules/${made.json.id}/run`, {
        method: "POST",
        headers: { "idempotency-key": key },
      });
    expect((await run("a")).status).toBe(202);
    // The same again runs nothing.
    expect((await run("a")).status).toBe(202);
    expect((await call(server, "/api/v1/messages", message("b"))).status).toBe(202);
    const refused = await run("c");
    expect(refused.json).toMatchObject({ status: 429, code: "rate-limited" });
    expect(refused.json.detail).toContain("messages");
    expect((await call(server, "/api/v1/messages", message("d"))).status).toBe(429);
    expect(server.useCases.calls.filter((name) => name === "runSchedule")).toHaveLength(1);
  });

  test("of one user are limited over REST and sockets together", async ({ expect }) => {
    await using server = await open({ messages: 4 });
    await using client = await TestClient.signIn(server);
    const send = (id: string) => client.ask({ type: "send", clientMessageId: id, text: "hi" });
    for (const id of ["a", "b"]) {
      expect((await call(server, "/api/v1/messages", message(id))).status).toBe(202);
    }
    for (const id of ["c", "d"]) {
      expect(await send(id)).toMatchObject({ type: "accepted" });
      await client.next();
    }
    expect(await send("e")).toMatchObject({
      type: "error",
      code: "rate-limited",
      ref: "e",
      retryAfterMs: expect.any(Number),
    });
    const refused = await call(server, "/api/v1/messages", message("f"));
    expect(refused.json).toMatchObject({ status: 429, code: "rate-limited" });
    expect(await client.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
    expect(server.useCases.calls.filter((name) => name === "acceptMessage")).toHaveLength(4);
  });
});

test("being turned away is noted, but not without end", async ({ expect }) => {
  await using server = await open({});
  for (let i = 0; i < 70; i += 1) {
    await call(server, "/api/v1/users", { token: OTHER_TOKEN });
  }
  const turnedAway = server.useCases.denials.filter(({ code }) => code === "insufficient-role");
  expect(turnedAway).toHaveLength(60);
  expect(server.useCases.denials[0]).toEqual({
    userId: "u2",
    address: "127.0.0.1",
    asked: "GET /api/v1/users",
    code: "insufficient-role",
  });
});

describe("failed sign-ins", () => {
  test("are limited by whatever way they come", async ({ expect }) => {
    await using server = await open({ signIns: 4 });
    expect((await call(server, "/api/v1/login", login("wrong-1"))).status).toBe(401);
    expect((await call(server, "/api/v1/me", { token: "wrong-2" })).status).toBe(401);
    const cookie = { cookie: "nexflow_session=wrong-3" };
    const byCookie = await call(server, "/api/v1/me", { token: undefined, headers: cookie });
    expect(byCookie.status).toBe(401);
    await using socket = await TestClient.open(server);
    expect(await socket.ask({ type: "hello", token: "wrong-4" })).toMatchObject({
      code: "unauthorized",
    });
    const asked = server.useCases.calls.length;
    expect((await call(server, "/api/v1/login", login("wrong-5"))).status).toBe(429);
    expect((await call(server, "/api/v1/me", { token: "wrong-6" })).status).toBe(429);
    const dodges = [
      { authorization: "Bearer wrong-7", ...cookie },
      { authorization: "Bearer wrong-8", "x-forwarded-for": "192.0.2.1" },
      { authorization: "Basic eDp5" },
    ];
    for (const headers of dodges) {
      const dodged = await call(server, "/api/v1/me", { token: undefined, headers });
      expect(dodged.status).toBe(429);
    }
    await using late = await TestClient.open(server);
    expect(await late.ask({ type: "hello", token: "wrong-9" })).toMatchObject({
      code: "rate-limited",
    });
    expect(server.useCases.calls).toHaveLength(asked);
    const failed = server.useCases.denials.filter(({ code }) => code === "unauthorized");
    expect(failed).toHaveLength(4);
  });

  test("do not lock out who was right before, and a right one costs nothing", async ({
    expect,
  }) => {
    await using server = await open({ signIns: 3 });
    for (let i = 0; i < 10; i += 1) expect((await call(server, "/api/v1/me")).status).toBe(200);
    for (let i = 0; i < 5; i += 1) await call(server, "/api/v1/me", { token: `wrong-${i}` });
    expect((await call(server, "/api/v1/me", { token: OTHER_TOKEN })).status).toBe(429);
    expect((await call(server, "/api/v1/me")).status).toBe(200);
  });

  test("are limited in all, wherever they come from", async ({ expect }) => {
    const trustedProxies = ["127.0.0.0/8"];
    await using server = await open({ signIns: 10, signInsInAll: 6 }, { trustedProxies });
    const statuses = [];
    for (let at = 0; at < 8; at += 1) {
      const headers = { "x-forwarded-for": `192.0.2.${at}` };
      const { status } = await call(server, "/api/v1/login", login(`wrong-${at}`, headers));
      statuses.push(status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
  });

  test("hundreds of clients of one address come back at once", async ({ expect }) => {
    await using server = await open({});
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await call(server, "/api/v1/me")).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test("that come by the thousand at once are looked up no more often than may fail", async ({
    expect,
  }) => {
    const { limits, counts, attempt } = createSlowSignIns();
    const guesses = Array.from({ length: 3_000 }, (_, at) => attempt(`guess ${at}`));
    const same = Array.from({ length: 3_000 }, () => attempt("guess 0"));
    const kinds = (await Promise.all(guesses)).map(({ kind }) => kind);
    expect(counts.lookedUp.size).toBe(DEFAULT_RATE_LIMITS.signIns);
    expect(kinds.filter((kind) => kind === "limited")).toHaveLength(2_990);
    expect(new Set((await Promise.all(same)).map(({ kind }) => kind))).toEqual(
      new Set(["refused"]),
    );
    expect(await attempt("guess 1")).toEqual({ kind: "limited", retryAfterMs: 6_000 });
    const find = () => Promise.resolve("somebody");
    const elsewhere = await limits.signIn({ address: "b", secret: "good", find });
    expect(elsewhere.kind).toBe("signed-in");
  });

  test("of few addresses do not lock out the others, however many come at once", async ({
    expect,
  }) => {
    const { attempt } = createSlowSignIns();
    for (let round = 0; round < 5; round += 1) {
      const storm = Array.from({ length: 3_000 }, (_, at) =>
        attempt(`guess ${round} ${at}`, `attacker ${at % 3}`),
      );
      await Promise.all(storm);
    }
    expect(await attempt("good", "somebody else")).toMatchObject({ kind: "signed-in" });
  });

  test("are not what good tokens are that come by the hundred at once", async ({ expect }) => {
    const { counts, attempt } = createSlowSignIns();
    const good = Array.from({ length: 900 }, (_, at) => attempt(`good ${at}`));
    const one = Array.from({ length: 5_000 }, () => attempt("good token of many clients"));
    const kinds = (await Promise.all([...good, ...one])).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["signed-in"]));
    expect(counts.mostAtOnce).toBe(DEFAULT_RATE_LIMITS.signIns);
  });

  test("that break off count for nothing and hold up nobody", async ({ expect }) => {
    const limits = createRateLimits({ ...DEFAULT_RATE_LIMITS, signIns: 1 }, () => 0);
    const broken = limits.signIn({
      address: "a",
      secret: "good 1",
      find: () => Promise.reject(new Error("the store is away")),
    });
    const find = () => Promise.resolve("somebody");
    const next = limits.signIn({ address: "a", secret: "good 2", find });
    await expect(broken).rejects.toThrow("the store is away");
    expect(await next).toMatchObject({ kind: "signed-in" });
  });
});

/** Limits before a store that takes a moment; "good..." are right. */
function createSlowSignIns() {
  const limits = createRateLimits(DEFAULT_RATE_LIMITS, () => 0);
  const underWay: string[] = [];
  const counts = { lookedUp: new Set<string>(), mostAtOnce: 0 };
  const find = async (secret: string) => {
    underWay.push(secret);
    counts.lookedUp.add(secret);
    counts.mostAtOnce = Math.max(counts.mostAtOnce, new Set(underWay).size);
    await new Promise((resolve) => setImmediate(resolve));
    underWay.splice(underWay.indexOf(secret), 1);
    return secret.startsWith("good") ? secret : undefined;
  };
  const attempt = (secret: string, address = "a") => limits.signIn({ address, secret, find });
  return { limits, counts, attempt };
}
