import { once } from "node:events";
import { describe } from "vitest";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import { TestClient, gatewayTest as test } from "../../support/gateway-client.ts";

const messageId = parseMessageId("answer");
const MIB = 1_048_576;

const delta = (length: number): TurnEvent => ({
  kind: "text-delta",
  messageId,
  delta: "x".repeat(length),
});

async function begin(client: TestClient) {
  const accepted = await client.ask({ type: "send", clientMessageId: "c1", text: "hi" });
  await client.next();
  const sessionId = parseSessionId(String(accepted["sessionId"]));
  return { sessionId, turnId: parseTurnId(String(accepted["turnId"])) };
}

describe("a reader that stops reading", () => {
  test("is closed within bounds, disturbs nobody and resumes", async ({ expect, server }) => {
    await using neighbour = await TestClient.signIn(server);
    await using slow = await TestClient.signIn(server);
    const { sessionId, turnId } = await begin(slow);
    slow.ws.pause();
    const before = process.memoryUsage();
    let emitted = 0;
    const pings: number[] = [];
    while (server.useCases.followers() > 0 && emitted < 4_000) {
      for (let i = 0; i < 20; i += 1) server.useCases.emit(sessionId, turnId, delta(4_096));
      emitted += 20;
      const askedAt = performance.now();
      // oxlint-disable-next-line no-await-in-loop -- one ping between two bursts
      expect(await neighbour.ask({ type: "ping", id: emitted })).toMatchObject({ id: emitted });
      pings.push(performance.now() - askedAt);
    }
    expect(server.useCases.followers()).toBe(0);
    // What the kernel holds, the socket's 64 KiB, and 1 MiB of frames that wait.
    expect(emitted * 4_096).toBeLessThan(12 * MIB);
    const grown = process.memoryUsage().rss - before.rss;
    expect(grown).toBeLessThan(64 * MIB);
    // All but a few: whoever is disturbed by a slow reader is so from some moment on.
    const sorted = pings.toSorted((a, b) => a - b);
    expect(sorted[Math.floor(pings.length * 0.9)]).toBeLessThan(1_000);
    expect(server.logged).toMatchObject([{ message: expect.stringContaining("too slowly") }]);

    slow.ws.resume();
    expect(await slow.closed).toMatchObject({ code: 1013 });
    const have = Number(slow.frames.at(-1)?.["seq"]);
    expect(have).toBeGreaterThan(1);
    await using resumed = await TestClient.signIn(server);
    resumed.send({ type: "subscribe", sessionId, after: have, epoch: 1 });
    const seqs: number[] = [];
    while (seqs.at(-1) !== emitted + 1) {
      // oxlint-disable-next-line no-await-in-loop -- frames come one after the other
      seqs.push(Number((await resumed.next())["seq"]));
    }
    expect(seqs).toEqual(Array.from({ length: emitted + 1 - have }, (_, i) => have + 1 + i));
  });

  test("gets a batch of many MiB whole once it reads again", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    const { sessionId, turnId } = await begin(client);
    client.ws.pause();
    const batch = Array.from({ length: 4_000 }, () => delta(4_096));
    server.useCases.emitAll(sessionId, turnId, batch);
    expect(server.useCases.followers()).toBe(1);
    client.ws.resume();
    const seqs: number[] = [];
    while (seqs.length < batch.length) {
      // oxlint-disable-next-line no-await-in-loop -- frames come one after the other
      seqs.push(Number((await client.next())["seq"]));
    }
    expect(seqs).toEqual(batch.map((_, i) => i + 2));
  });

  test("gets one frame larger than all limits whole, and what follows", async ({
    expect,
    server,
  }) => {
    await using client = await TestClient.signIn(server);
    const { sessionId, turnId } = await begin(client);
    client.ws.pause();
    server.useCases.emit(sessionId, turnId, delta(12 * MIB));
    server.useCases.emit(sessionId, turnId, { kind: "turn-completed" });
    client.ws.resume();
    const frame = await client.next();
    expect((frame["event"] as { delta: string }).delta).toHaveLength(12 * MIB);
    expect(await client.next()).toMatchObject({ event: { type: "RUN_FINISHED" } });
  });

  test("is closed too where it only asks and never reads", async ({ expect, server }) => {
    await using client = await TestClient.signIn(server);
    client.ws.pause();
    const id = "x".repeat(64);
    const burst = JSON.stringify({ type: "ping", id });
    while (client.ws.readyState === client.ws.OPEN && server.logged.length === 0) {
      for (let i = 0; i < 1_000; i += 1) client.ws.send(burst);
      // oxlint-disable-next-line no-await-in-loop -- lets the bytes out
      await new Promise((resolve) => client.ws.send(burst, resolve));
    }
    client.ws.resume();
    expect((await client.closed).code).toBeOneOf([1006, 1013]);
  });
});

test("answers that come after the client has gone touch nothing", async ({ expect, server }) => {
  const client = await TestClient.signIn(server);
  const release = server.useCases.hold();
  for (let i = 0; i < 20; i += 1) {
    client.send({ type: "send", clientMessageId: `c${i}`, text: "hi" });
    client.send({ type: "subscribe", sessionId: `s${i}`, after: 0 });
    client.send({ type: "cancel", turnId: `t${i}` });
  }
  await expect.poll(() => server.useCases.calls.length).toBe(61);
  client.ws.terminate();
  await client.closed;
  await using neighbour = await TestClient.open(server);
  release();
  await neighbour.ask({ type: "hello", token: "wrong" });
  expect(server.useCases.followers()).toBe(0);
  expect(server.logged).toEqual([]);
  await once(neighbour.ws, "close");
});
