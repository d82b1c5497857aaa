import { describe } from "vitest";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import { OTHER_TOKEN } from "../../support/fakes/gateway-use-cases.ts";
import type { Frame } from "../../support/gateway-client.ts";
import { TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

const messageId = parseMessageId("answer");

const send = (clientMessageId: string, text = "hi") => ({ type: "send", clientMessageId, text });

/** Sends a message and gives what was answered, and the event that the turn began. */
async function begin(client: TestClient, clientMessageId = "c1") {
  const accepted = await client.ask(send(clientMessageId));
  const started = await client.next();
  const sessionId = parseSessionId(String(accepted["sessionId"]));
  return { accepted, started, sessionId, turnId: parseTurnId(String(accepted["turnId"])) };
}

describe("hello", () => {
  test("is answered by the user's id", async ({ expect, server }) => {
    await using client = await TestClient.open(server);
    const answer = await client.ask({ type: "hello", token: OTHER_TOKEN });
    expect(answer).toEqual({ type: "welcome", userId: "u2" });
  });

  test("needs no token from a browser that logged in", async ({ expect, server }) => {
    const opened = await server.useCases.openBrowserSession(OTHER_TOKEN);
    const cookie = `a=b; nexflow_session=${opened?.secret}`;
    await using client = await TestClient.open(server, { cookie, origin: server.url });
    expect(await client.ask({ type: "hello" })).toEqual({ type: "welcome", userId: "u2" });
  });

  test.for([
    ["a wrong token", { type: "hello", token: "wrong" }],
    ["no token and no cookie", { type: "hello" }],
    ["another frame", { type: "ping", id: 1 }],
  ] as const)("is refused for %s", async ([, frame], { expect, server }) => {
    await using client = await TestClient.open(server);
    expect(await client.ask(frame)).toMatchObject({ type: "error", code: "unauthorized" });
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  test("must be answered before the next frame", async ({ expect, server }) => {
    const release = server.useCases.hold();
    await using client = await TestClient.open(server);
    client.send({ type: "hello", token: OTHER_TOKEN });
    client.send({ type: "ping", id: 1 });
    expect(await client.closed).toMatchObject({ code: 4401 });
    release();
  });

  test("closes the socket where the store is gone, so that clients come back", async ({
    expect,
    server,
  }) => {
    server.useCases.breakStore();
    await using client = await TestClient.open(server);
    const answer = await client.ask({ type: "hello", token: OTHER_TOKEN });
    expect(answer).toMatchObject({ type: "error", code: "storage_unavailable" });
    expect(JSON.stringify(answer)).not.toContain("/secret/path");
    expect(await client.closed).toMatchObject({ code: 1011 });
  });

  test.concurrent("must come within 5 s", async ({ expect, server }) => {
    const openedAt = performance.now();
    await using client = await TestClient.open(server);
    expect(await client.closed).toMatchObject({ code: 4401 });
    expect(performance.now() - openedAt).toBeGreaterThan(4_900);
    // A connection that nothing is heard of is closed for that only after much longer.
    expect(performance.now() - openedAt).toBeLessThan(10_000);
  });
});

describe("ping", () => {
  test.for<unknown>([0, -7, 12_345, 2 ** 53 - 1, "", "a-b_C", 'say "hi"', "é", "x".repeat(64)])(
    "gives back the id %j",
    async (id, { expect, server }) => {
      await using client = await TestClient.signIn(server);
      expect(await client.ask({ type: "ping", id })).toEqual({ type: "pong", id });
      const spaced = `{ "id": ${JSON.stringify(id)}, "type": "ping" }`;
      expect(await client.ask(spaced)).toEqual({ type: "pong", id });
    },
  );
});

describe("send", () => {
  test("is accepted, and the turn's events follow", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const { accepted, started, sessionId, turnId } = await begin(client);
    expect(accepted).toEqual({
      type: "accepted",
      clientMessageId: "c1",
      sessionId,
      messageId: expect.any(String),
      turnId,
      seq: 0,
      duplicate: false,
    });
    expect(started).toMatchObject({ sessionId, turnId, epoch: 1, seq: 1 });
    server.useCases.emit(sessionId, turnId, { kind: "turn-completed" });
    expect(await client.next()).toMatchObject({ seq: 2, event: { type: "RUN_FINISHED" } });
  });

  test("sent twice is answered twice and shown once", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const { accepted } = await begin(client);
    expect(await client.ask(send("c1"))).toEqual({ ...accepted, duplicate: true });
    expect(await client.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
    expect(server.useCases.followers()).toBe(1);
  });

  test("in a session followed already does not follow it again", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const { sessionId } = await begin(client);
    const second = await client.ask({ ...send("c2"), sessionId });
    const frames = [second, await client.next()];
    expect(frames.map(({ type }) => type).toSorted()).toEqual(["accepted", "event"]);
    await client.ask({ type: "ping", id: 1 });
    expect(client.frames.filter(({ seq, type }) => type === "event" && seq === 2)).toHaveLength(1);
    expect(server.useCases.followers()).toBe(1);
  });

  test.for<[string, object, object]>([
    ["another text under the same id", send("c1", "other"), { code: "conflict", ref: "c1" }],
    [
      "an unknown session",
      { ...send("c9"), sessionId: "nobody" },
      { code: "not-found", ref: "c9" },
    ],
    [
      "a text that is too long",
      send("c9", "x".repeat(32_769)),
      { code: "bad-frame", ref: "c9", message: expectText('"text" is wrong') },
    ],
  ])("is refused for %s", async ([, frame, refusal], { expect, server }) => {
    await using client = await TestClient.signIn(server);
    await begin(client);
    const answer = await client.ask(frame);
    expect(answer).toMatchObject({ type: "error", ...refusal });
  });

  test("to another user's session is refused as unknown", async ({ expect, server }) => {
    await using ada = await TestClient.signIn(server);
    await using bob = await TestClient.signIn(server, OTHER_TOKEN);
    const { sessionId, turnId } = await begin(ada);
    const frames = [
      { ...send("c9"), sessionId },
      { type: "subscribe", sessionId, after: 0 },
      { type: "cancel", turnId },
    ];
    for (const frame of frames) {
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      expect(await bob.ask(frame)).toMatchObject({ type: "error", code: "not-found" });
    }
  });

  test("tells how long to wait where there is too much", async ({ expect, server }) => {
    server.useCases.overload();
    await using client = await TestClient.signIn(server);
    const answer = await client.ask(send("c1"));
    expect(answer).toMatchObject({ code: "overloaded", retryAfterMs: 1_500, ref: "c1" });
  });

  test("beyond 256 unanswered ones is refused", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const release = server.useCases.hold();
    for (let i = 0; i < 256; i += 1) client.send(send(`c${i}`));
    const refused = await client.ask(send("one-more"));
    expect(refused).toMatchObject({ code: "overloaded", ref: "one-more" });
    expect(refused["retryAfterMs"]).toBeGreaterThan(0);
    release();
    const answers: Frame[] = [];
    // oxlint-disable-next-line no-await-in-loop -- frames come one after the other
    while (answers.length < 512) answers.push(await client.next());
    expect(answers.filter(({ type }) => type === "accepted")).toHaveLength(256);
  });

  test("to a store that is gone is not accepted", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    server.useCases.breakStore();
    const answer = await client.ask(send("c1"));
    expect(answer).toMatchObject({ code: "storage_unavailable", ref: "c1" });
    expect(server.logged).toHaveLength(1);
  });
});

describe("subscribe", () => {
  test("shows what was missed and what comes, once each", async ({ expect, server }) => {
    await using first = await TestClient.signIn(server);
    const { sessionId, turnId } = await begin(first);
    const deltas = Array.from({ length: 5_000 }, (_, i) => `${i} `);
    const shown = deltas.map((delta) => ({ kind: "text-delta", messageId, delta }) as const);
    server.useCases.emitAll(sessionId, turnId, shown.slice(0, 3_000));
    await using second = await TestClient.signIn(server);
    second.send({ type: "subscribe", sessionId, after: 1 });
    await second.next();
    server.useCases.emitAll(sessionId, turnId, shown.slice(3_000));
    const events = [second.frames.at(-1)];
    // oxlint-disable-next-line no-await-in-loop -- frames come one after the other
    while (second.frames.length < 1 + deltas.length) events.push(await second.next());
    const received = second.frames.slice(1);
    expect(received.map(({ seq }) => seq)).toEqual(deltas.map((_, i) => i + 2));
    const text = received.map(({ event }) => (event as { delta: string }).delta).join("");
    expect(text).toBe(deltas.join(""));
  });

  test("again on the same socket starts anew, and the old one ends", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const { sessionId, turnId } = await begin(client);
    const again = await client.ask({ type: "subscribe", sessionId, after: 0, epoch: 1 });
    expect(again).toMatchObject({ seq: 1 });
    server.useCases.emit(sessionId, turnId, { kind: "turn-completed" });
    await client.next();
    await client.ask({ type: "ping", id: 1 });
    expect(client.frames.filter(({ seq }) => seq === 2)).toHaveLength(1);
    expect(server.useCases.followers()).toBe(1);
  });

  test("to a 65th session ends the quietest one and says so", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const first = await begin(client, "c0");
    const second = await begin(client, "c1");
    // oxlint-disable-next-line no-await-in-loop -- one message after the other
    for (let i = 2; i < 64; i += 1) await begin(client, `c${i}`);
    server.useCases.emit(first.sessionId, first.turnId, { kind: "text-ended", messageId });
    await client.next();
    await client.ask(send("c64"));
    expect(await client.next()).toMatchObject({ code: "unsubscribed", ref: second.sessionId });
    await client.next();
    expect(server.useCases.followers()).toBe(64);
  });

  test("to an unknown session is refused", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const answer = await client.ask({ type: "subscribe", sessionId: "nobody", after: 0 });
    expect(answer).toMatchObject({ type: "error", code: "not-found", ref: "nobody" });
  });
});

describe("cancel", () => {
  test("ends the turn, and a second time changes nothing", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const { turnId } = await begin(client);
    expect(await client.ask({ type: "cancel", turnId })).toMatchObject({
      event: { type: "RUN_FINISHED", outcome: { type: "cancelled" } },
    });
    client.send({ type: "cancel", turnId });
    expect(await client.ask({ type: "ping", id: 1 })).toEqual({ type: "pong", id: 1 });
  });

  test("of an unknown turn is refused", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const answer = await client.ask({ type: "cancel", turnId: "nobody" });
    expect(answer).toMatchObject({ type: "error", code: "not-found", ref: "nobody" });
  });
});

function expectText(part: string) {
  return { asymmetricMatch: (text: unknown) => String(text).includes(part) };
}
