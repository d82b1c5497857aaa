import { once } from "node:events";
import net from "node:net";
import { describe } from "vitest";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { call, message } from "../../support/call-api.ts";
import { TestEventStream } from "../../support/event-stream.ts";
import { OTHER_TOKEN, TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import type { TestGateway } from "../../support/gateway-client.ts";
import { TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

const messageId = parseMessageId("answer");
const delta = (text: string): TurnEvent => ({ kind: "text-delta", messageId, delta: text });

async function begin(server: TestGateway) {
  const { json } = await call(server, "/api/v1/messages", message("c1"));
  const sessionId = parseSessionId(json.sessionId);
  return { sessionId, turnId: parseTurnId(json.turnId) };
}

function timesCalled({ useCases }: TestGateway, name: string): number {
  return useCases.calls.filter((each) => each === name).length;
}

function open(
  { url }: TestGateway,
  sessionId: string,
  { query = "", ...headers }: Readonly<Record<string, string>> = {},
) {
  const address = `${url}/api/v1/sessions/${sessionId}/events${query}`;
  return TestEventStream.open(address, { authorization: `Bearer ${TOKEN}`, ...headers });
}

describe("a stream of events", () => {
  test("shows what there is and what happens, as the socket does", async ({ expect, server }) => {
    const { sessionId, turnId } = await begin(server);
    await using stream = await open(server, sessionId);
    expect(stream.response.headers.get("content-type")).toBe("text/event-stream");
    expect(stream.response.headers.get("cache-control")).toBe("no-store");
    const { retry = "" } = await stream.next();
    expect(Number(retry)).toBeGreaterThanOrEqual(1_000);
    expect(Number(retry)).toBeLessThanOrEqual(1_500);
    const first = await stream.next();
    expect(first.id).toBe("1:1");
    await using client = await TestClient.signIn(server);
    const frame = await client.ask({ type: "subscribe", sessionId, after: 0 });
    expect(JSON.parse(first.data ?? "")).toEqual(frame);
    server.useCases.emit(sessionId, turnId, delta("line\nline"));
    expect(await stream.next()).toMatchObject({ id: "1:2" });
  });

  test("goes on after the last event its client has", async ({ expect, server }) => {
    const { sessionId, turnId } = await begin(server);
    for (const text of ["a", "b", "c"]) server.useCases.emit(sessionId, turnId, delta(text));
    const firstOf = async (headers: Readonly<Record<string, string>>) => {
      await using stream = await open(server, sessionId, headers);
      await stream.next();
      return (await stream.next()).id;
    };
    expect(await firstOf({ "last-event-id": "1:2" })).toBe("1:3");
    expect(await firstOf({ query: "?after=1:3" })).toBe("1:4");
    expect(await firstOf({ query: "?after=2" })).toBe("1:3");
    expect(await firstOf({ query: "?after=0", "last-event-id": "1:3" })).toBe("1:4");
  });

  test("ends what it follows when its client goes away", async ({ expect, server }) => {
    const { sessionId } = await begin(server);
    const stream = await open(server, sessionId);
    await stream.next();
    await stream.next();
    expect(server.useCases.followers()).toBe(1);
    await stream[Symbol.asyncDispose]();
    await expect.poll(() => server.useCases.followers()).toBe(0);
  });

  test.for([
    ["none", 404, "not-found", {}],
    ["a b", 404, "not-found", {}],
    ["SESSION", 400, "bad-frame", { "last-event-id": "x" }],
    ["SESSION", 400, "bad-frame", { query: "?after=-1" }],
    ["SESSION", 404, "not-found", { authorization: `Bearer ${OTHER_TOKEN}` }],
    ["SESSION", 401, "unauthorized", { authorization: "Bearer wrong" }],
  ] as const)(
    "is refused: %s %d %s %j",
    async ([id, status, code, headers], { expect, server }) => {
      const { sessionId } = await begin(server);
      const { query = "", ...more }: Readonly<Record<string, string>> = headers;
      const path = `/api/v1/sessions/${id === "SESSION" ? sessionId : id}/events${query}`;
      const answer = await call(server, path, { headers: more });
      expect(answer.json).toMatchObject({ status, code });
    },
  );

  test("is open to a browser by its cookie", async ({ expect, server }) => {
    const { sessionId } = await begin(server);
    const opened = await server.useCases.openBrowserSession(TOKEN);
    const cookie = `nexflow_session=${opened?.secret}`;
    const url = `${server.url}/api/v1/sessions/${sessionId}/events`;
    await using stream = await TestEventStream.open(url, { cookie });
    await stream.next();
    expect(await stream.next()).toMatchObject({ id: "1:1" });
  });

  test("ends when its credential is revoked, and says why", async ({ expect, server }) => {
    const { sessionId } = await begin(server);
    const made = await call(server, "/api/v1/users/u1/tokens", {
      method: "POST",
      body: { label: "phone", scopes: ["sessions:read"] },
    });
    const authorization = `Bearer ${made.json.secret}`;
    await using stream = await open(server, sessionId, { authorization });
    await stream.next();
    await stream.next();
    const path = `/api/v1/users/u1/tokens/${made.json.id}`;
    expect((await call(server, path, { method: "DELETE" })).status).toBe(204);
    const last = await stream.next();
    expect(last.event).toBe("error");
    expect(JSON.parse(last.data ?? "")).toMatchObject({ code: "unauthorized" });
    expect(await stream.ended).toBe("ended");
    await using again = await open(server, sessionId, { authorization });
    expect(again.response.status).toBe(401);
  });

  test("ends with the server, and says when to come back", async ({ expect, server }) => {
    const { sessionId } = await begin(server);
    await using stream = await open(server, sessionId);
    await stream.next();
    await stream.next();
    server.gateway.announceShutdown(2_000);
    const { retry = "" } = await stream.next();
    expect(Number(retry)).toBeGreaterThanOrEqual(2_000);
    expect(Number(retry)).toBeLessThanOrEqual(3_000);
    await server.gateway.close();
    expect(await stream.ended).toBe("ended");
    expect(server.useCases.followers()).toBe(0);
  });

  test("gets many MiB whole at the pace of its reader", async ({ expect, server }) => {
    const { sessionId, turnId } = await begin(server);
    await using stream = await open(server, sessionId);
    await stream.next();
    const batch = Array.from({ length: 2_000 }, () => delta("x".repeat(4_096)));
    server.useCases.emitAll(sessionId, turnId, batch);
    const ids: (string | undefined)[] = [];
    while (ids.length <= batch.length) ids.push((await stream.next()).id);
    expect(ids).toEqual(Array.from({ length: batch.length + 1 }, (_, at) => `1:${at + 1}`));
  });

  test("of a reader that stops reading is closed within bounds", async ({ expect, server }) => {
    const { sessionId, turnId } = await begin(server);
    const socket = net.connect(server.gateway.port, "127.0.0.1");
    socket.write(
      [
        `GET /api/v1/sessions/${sessionId}/events HTTP/1.1`,
        `Host: 127.0.0.1:${server.gateway.port}`,
        `Authorization: Bearer ${TOKEN}`,
        "",
        "",
      ].join("\r\n"),
    );
    await once(socket, "readable");
    await expect.poll(() => server.useCases.followers()).toBe(1);
    const before = process.memoryUsage().rss;
    let emitted = 0;
    while (server.useCases.followers() > 0 && emitted < 4_000) {
      for (let i = 0; i < 20; i += 1) {
        server.useCases.emit(sessionId, turnId, delta("x".repeat(4_096)));
      }
      emitted += 20;
      expect((await call(server, "/healthz")).status).toBe(200);
    }
    expect(server.useCases.followers()).toBe(0);
    expect(emitted * 4_096).toBeLessThan(12 * 1_048_576);
    expect(process.memoryUsage().rss - before).toBeLessThan(96 * 1_048_576);
    expect(server.logged).toMatchObject([{ message: expect.stringContaining("too slowly") }]);
    socket.destroy();
  });

  test("is refused where its user has too many", async ({ expect, server }) => {
    const { sessionId } = await begin(server);
    const streams = await Promise.all(Array.from({ length: 256 }, () => open(server, sessionId)));
    expect(streams.map(({ response }) => response.status)).not.toContain(429);
    const { json } = await call(server, `/api/v1/sessions/${sessionId}/events`);
    expect(json).toMatchObject({ status: 429, code: "rate-limited" });
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
  });

  test("is refused beyond that many also where all are asked for at once", async ({
    expect,
    server,
  }) => {
    const { sessionId } = await begin(server);
    const release = server.useCases.hold();
    const opening = Array.from({ length: 300 }, () => open(server, sessionId));
    await expect.poll(() => timesCalled(server, "signIn")).toBe(301);
    release();
    const streams = await Promise.all(opening);
    const opened = streams.filter(({ response }) => response.status === 200);
    expect(opened).toHaveLength(256);
    await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
    await expect.poll(() => server.useCases.followers()).toBe(0);
    await using again = await open(server, sessionId);
    expect(again.response.status).toBe(200);
  });

  test("takes no room where it is asked for by HEAD, or its client has gone before", async ({
    expect,
    server,
  }) => {
    const { sessionId } = await begin(server);
    const path = `/api/v1/sessions/${sessionId}/events`;
    for (let at = 0; at < 256; at += 1) await call(server, path, { method: "HEAD" });
    const release = server.useCases.hold();
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const gone = Array.from({ length: 256 }, () =>
      fetch(`${server.url}${path}`, { headers, signal: abort.signal }).catch(() => "aborted"),
    );
    await expect.poll(() => timesCalled(server, "signIn")).toBe(513);
    abort.abort();
    await Promise.all(gone);
    // The server hears of it before it hears this.
    await call(server, "/healthz");
    release();
    await using stream = await open(server, sessionId);
    expect(stream.response.status).toBe(200);
  });
});
