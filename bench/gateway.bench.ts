/*
 * What the gateway costs on top of the socket library: `ping` and `pong` through it, against bare
 * uWebSockets.js and `ws` that echo the same bytes. One server process (this one), one client
 * process that writes prepared frames; blocks are interleaved forwards and backwards.
 */

import { App, us_socket_local_port } from "uWebSockets.js";
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { openGateway } from "#presentation/gateway/gateway.ts";
import { createFakeUseCases, TOKEN } from "../test/support/fakes/gateway-use-cases.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";

const BARE = "bare uWebSockets.js";
const SOCKETS = 100;
const IN_FLIGHT = 10;
const WARM_UP_MS = 200;
const BLOCK_MS = 1_000;
const ROUNDS = 4;
const PING = JSON.stringify({ type: "ping", id: "0123456789-0123456789-0123456789-0123" });

const PINGS = Buffer.concat(Array.from({ length: IN_FLIGHT }, () => encode(PING)));

interface ArmResult {
  readonly arm: string;
  readonly messagesPerSecond: number;
  readonly serverCpuMicros: number;
}

interface Arm {
  readonly arm: string;
  readonly port: number;
  readonly hello?: string;
  close(): Promise<void>;
}

interface BlockRequest {
  readonly port: number;
  readonly hello: string | undefined;
}

interface BlockReply {
  readonly messages: number;
  readonly ms: number;
}

/** Runs the benchmark: about half a minute. */
export async function run(): Promise<BenchResult> {
  const arms = [await openNexflow(), await openBareUws(), await openPlainWs()];
  const blocks = new Map<string, ArmResult[]>(arms.map(({ arm }) => [arm, []]));
  const client = fork(fileURLToPath(import.meta.url), ["client"]);
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const arm of round % 2 === 0 ? arms : arms.toReversed()) {
        blocks.get(arm.arm)?.push(await measure(arm, client));
      }
    }
  } finally {
    client.kill();
    await Promise.all(arms.map((arm) => arm.close()));
  }
  return summarise(blocks);
}

async function measure({ arm, port, hello }: Arm, client: ChildProcess): Promise<ArmResult> {
  const request: BlockRequest = { port, hello };
  client.send(request);
  await once(client, "message");
  const before = process.cpuUsage();
  const [{ messages, ms }] = (await once(client, "message")) as [BlockReply];
  const { user, system } = process.cpuUsage(before);
  return {
    arm,
    messagesPerSecond: (messages / ms) * 1_000,
    serverCpuMicros: (user + system) / messages,
  };
}

function summarise(blocks: ReadonlyMap<string, readonly ArmResult[]>): BenchResult {
  const bare = blocks.get(BARE) ?? [];
  return {
    name: "gateway",
    method: `${SOCKETS} sockets, ${IN_FLIGHT} in flight each, ${PING.length} B, ${ROUNDS} interleaved blocks of ${BLOCK_MS} ms, client in its own process; medians, ratios block by block`,
    machine: describeMachine(),
    rows: [...blocks].map(([arm, results]) => toRow(arm, results, bare)),
  };
}

function toRow(arm: string, blocks: readonly ArmResult[], bare: readonly ArmResult[]): BenchRow {
  const middle = (valueOf: (block: ArmResult, bare: ArmResult) => number) =>
    quantile(
      blocks.flatMap((block, at) => (bare[at] === undefined ? [] : [valueOf(block, bare[at])])),
      0.5,
    );
  return {
    arm,
    "messages/s": Math.round(middle((block) => block.messagesPerSecond)),
    "server CPU us": round(middle((block) => block.serverCpuMicros)),
    "rate of bare": round(middle((block, at) => block.messagesPerSecond / at.messagesPerSecond)),
    "CPU efficiency of bare": round(
      middle((block, at) => at.serverCpuMicros / block.serverCpuMicros),
    ),
  };
}

async function openNexflow(): Promise<Arm> {
  const silent = () => undefined;
  const gateway = await openGateway(createFakeUseCases(), {
    host: "127.0.0.1",
    port: 0,
    webDir: "dist",
    log: { error: silent, warn: silent, info: silent, debug: silent },
  });
  return {
    arm: "nexflow",
    port: gateway.port,
    hello: JSON.stringify({ type: "hello", token: TOKEN }),
    close: () => gateway.close(),
  };
}

async function openBareUws(): Promise<Arm> {
  const app = App().ws("/ws", {
    message: (ws, message) => {
      ws.send(message);
    },
  });
  const port = await new Promise<number>((resolve) => {
    app.listen("127.0.0.1", 0, (socket) =>
      resolve(socket === false ? 0 : us_socket_local_port(socket)),
    );
  });
  return { arm: BARE, port, close: async () => void app.close() };
}

async function openPlainWs(): Promise<Arm> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/ws" });
  server.on("connection", (ws) => ws.on("message", (data) => ws.send(data, { binary: false })));
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return { arm: "ws", port, close: async () => server.close() };
}

/** The client process: one block for each request that comes from the parent. */
function serveBlocks(): void {
  process.on("message", (request: BlockRequest) => void runBlock(request));
}

async function runBlock(request: BlockRequest): Promise<void> {
  let messages = 0;
  const count = (answered: number) => {
    messages += answered;
  };
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => connect(request, count)));
  for (const socket of sockets) socket.write(PINGS);
  await pause(WARM_UP_MS);
  process.send?.("warm");
  messages = 0;
  const startedAt = performance.now();
  await pause(BLOCK_MS);
  const reply: BlockReply = { messages, ms: performance.now() - startedAt };
  process.send?.(reply);
  for (const socket of sockets) socket.destroy();
}

/** A raw socket that sends one ping for every answer: all answers are as long as the ping. */
async function connect(
  { port, hello }: BlockRequest,
  count: (answered: number) => void,
): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  const key = Buffer.from("0123456789abcdef").toString("base64");
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: nexflow.v1\r\n\r\n`,
  );
  await once(socket, "data");
  if (hello !== undefined) {
    socket.write(encode(hello));
    await once(socket, "data");
  }
  const [sentBytes, receivedBytes] = [PINGS.length / IN_FLIGHT, 2 + PING.length];
  let pendingBytes = 0;
  socket.on("data", (data) => {
    pendingBytes += data.length;
    const answered = Math.floor(pendingBytes / receivedBytes);
    pendingBytes -= answered * receivedBytes;
    count(answered);
    socket.write(PINGS.subarray(0, answered * sentBytes));
  });
  socket.on("error", () => socket.destroy());
  return socket;
}

/** A text frame of fewer than 126 bytes, masked by zeros. */
function encode(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

if (process.argv[2] === "client") serveBlocks();
