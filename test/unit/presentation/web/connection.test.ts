import { afterEach, describe, test } from "vitest";
import {
  Connection,
  type ConnectionState,
  type ConnectionTiming,
} from "../../../../src/presentation/web/connection.ts";
import type { ServerFrame } from "../../../../src/presentation/web/protocol.ts";
import { openWebSocket } from "../../../../src/presentation/web/web-socket.ts";
import { ProtocolServer } from "./protocol-server.ts";
import { createWaiter } from "./waiter.ts";

const QUICK = { firstPauseMs: 10, maxPauseMs: 40, pingEveryMs: 15, patienceMs: 400 };
const PATIENT = { ...QUICK, pingEveryMs: 10_000, patienceMs: 10_000 };

const opened: Connection[] = [];
afterEach(() => {
  for (const connection of opened.splice(0)) connection.stop();
});

function connect(url: string, timing: Partial<ConnectionTiming> = PATIENT) {
  const states: ConnectionState["kind"][] = [];
  const frames: ServerFrame[] = [];
  const waiter = createWaiter();
  const connection = new Connection({
    openSocket: (listener) => openWebSocket(url, listener),
    onFrame: (frame) => {
      frames.push(frame);
      waiter.notify();
    },
    onState: ({ kind }) => {
      states.push(kind);
      waiter.notify();
    },
    timing,
  });
  opened.push(connection);
  connection.start();
  const times = (kind: ConnectionState["kind"]) => states.filter((state) => state === kind).length;
  return { connection, states, frames, times, until: waiter.until };
}

describe("Connection", () => {
  test("says hello without a token and is online when welcomed", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { states, until, connection } = connect(server.url);
    expect(connection.send({ type: "cancel", turnId: "t" })).toBe(false);
    await until(() => connection.state.kind === "online");
    expect(states).toEqual(["connecting", "online"]);
    expect(server.received).toEqual([{ type: "hello" }]);
  });

  test("connects again after every break", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { times, until } = connect(server.url);
    const breakWhenOnline = async (count: number) => {
      await until(() => times("online") === count);
      server.breakLines();
    };
    await breakWhenOnline(1);
    await breakWhenOnline(2);
    await breakWhenOnline(3);
    await breakWhenOnline(4);
    await until(() => times("online") === 5);
    expect(times("waiting")).toBe(4);
  });

  test("finds the server again that was away for several attempts", async ({ expect }) => {
    const { url, port } = await portOfAClosedServer();
    const { times, until } = connect(url);
    await until(() => times("waiting") >= 3);
    await using _server = await ProtocolServer.open(port);
    await until(() => times("online") === 1);
    expect(times("connecting")).toBeGreaterThan(3);
  });

  test("gives up a server that is silent, by ping", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    // Patience for a server that only stumbles: that of one that is silent is not tried here.
    const { times, until } = connect(server.url, { ...QUICK, patienceMs: 3_000 });
    await until(() => server.listReceived("ping").length >= 2);
    expect(times("waiting")).toBe(0);
    server.intercept = (frame) => (frame.type === "ping" ? [] : undefined);
    await until(() => times("waiting") > 0 && times("online") > 1);
  });

  test("gives up a server that never welcomes it", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    server.intercept = () => [];
    const { times, until } = connect(server.url, QUICK);
    await until(() => times("waiting") >= 2);
    expect(times("online")).toBe(0);
  });

  test("does not try again where the server does not know it", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    server.intercept = () => [];
    server.onReceived = () => server.closeLines(4401);
    const { states, until, connection } = connect(server.url);
    await until(() => connection.state.kind === "unauthorized");
    connection.check();
    expect(states).toEqual(["connecting", "unauthorized"]);
  });

  test("waits as long as a server that goes away asks for", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { until, times, frames } = connect(server.url);
    await until(() => times("online") === 1);
    server.sendAll({ type: "going-away", reconnectAfterMs: 200 });
    await until(() => frames.some(({ type }) => type === "going-away"));
    const startMs = performance.now();
    server.breakLines();
    await until(() => times("online") === 2);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(199);
  });

  test("connects at once when told that the world has changed", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { connection, until, times } = connect(server.url, {
      ...PATIENT,
      firstPauseMs: 1e6,
      maxPauseMs: 1e6,
    });
    await until(() => times("online") === 1);
    server.breakLines();
    await until(() => times("waiting") === 1);
    connection.check();
    await until(() => times("online") === 2);
    expect(times("waiting")).toBe(1);
  });

  test("passes over frames it does not know", async ({ expect }) => {
    await using server = await ProtocolServer.open();
    const { frames, until, times } = connect(server.url);
    await until(() => times("online") === 1);
    server.sendAll({ type: "hologram" } as unknown as ServerFrame);
    server.sendAll({ type: "error", code: "internal", message: "x" });
    await until(() => frames.length === 2);
    expect(frames.map(({ type }) => type)).toEqual(["welcome", "error"]);
  });
});

async function portOfAClosedServer(): Promise<{ url: string; port: number }> {
  await using server = await ProtocolServer.open();
  const { url } = server;
  return { url, port: Number(new URL(url).port) };
}
