import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { Fault, toFailure } from "#domain/shared/fault.ts";
import { watchLoopDelay } from "../telemetry/loop-delay.ts";
import { Tally } from "../telemetry/tally.ts";
import type { Mailbox, StoreBackend, Waiting } from "./store-backend.ts";
import type {
  StoreLocation,
  StoreReply,
  StoreRequest,
  StoreThreadGreeting,
  StoreThreadNotice,
  StoreThreadOrder,
} from "./store-protocol.ts";

/* The thread through which all others write, and those read that have no connection of their own. */

const location = workerData as StoreLocation;
const owner = parentPort as MessagePort;
const ports = new Set<MessagePort>();
const mailbox: Mailbox = { drain, answer };
const tally = new Tally();
const readDelay = watchLoopDelay();
const MEASURES_EVERY_MS = 1_000;

owner.once("message", (order: StoreThreadOrder) => {
  if (order.kind === "close") process.exit();
  void open();
});

async function open(): Promise<void> {
  try {
    serve(await openBackend());
    greet({ kind: "open" });
    setInterval(tellMeasures, MEASURES_EVERY_MS).unref();
  } catch (error) {
    // A bug ends the thread, and is what it died of.
    if (!(error instanceof Fault)) throw error;
    greet({ kind: "failed", failure: toFailure(error) });
    owner.once("message", () => process.exit());
  }
}

async function openBackend(): Promise<StoreBackend> {
  if (location.kind === "sqlite") {
    const { openSqliteBackend } = await import("./dialects/sqlite/sqlite-backend.ts");
    return openSqliteBackend(location.file, mailbox);
  }
  const { openPostgresBackend } = await import("./dialects/postgres/postgres-backend.ts");
  return openPostgresBackend(location.url, mailbox);
}

function greet(greeting: StoreThreadGreeting): void {
  owner.postMessage(greeting);
}

function serve(backend: StoreBackend): void {
  owner.on("message", (order: StoreThreadOrder) => {
    if (order.kind === "close") void backend.close().finally(() => process.exit());
    if (order.kind !== "attach") return;
    const { port } = order;
    ports.add(port);
    port.on("close", () => ports.delete(port));
    port.on("message", (requests: StoreRequest[]) => backend.take(toWaiting(port, requests)));
  });
}

function toWaiting(port: MessagePort, requests: readonly StoreRequest[]): Waiting[] {
  const arrivedMs = performance.now();
  return requests.map((request) => ({ port, request, arrivedMs }));
}

function drain(): Waiting[] {
  const arrived: Waiting[] = [];
  for (const port of ports) {
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      arrived.push(...toWaiting(port, next.message as StoreRequest[]));
    }
  }
  return arrived;
}

function answer(waiting: readonly Waiting[], replies: readonly StoreReply[]): void {
  measure(waiting);
  const byPort = new Map<MessagePort, StoreReply[]>();
  for (const [index, { port }] of waiting.entries()) {
    const forPort = byPort.get(port);
    const reply = replies[index] as StoreReply;
    if (forPort === undefined) byPort.set(port, [reply]);
    else forPort.push(reply);
  }
  for (const [port, forPort] of byPort) port.postMessage(forPort);
}

function measure(answered: readonly Waiting[]): void {
  const firstMs = answered[0]?.arrivedMs ?? performance.now();
  tally.observe("nexflow_store_call_seconds", (performance.now() - firstMs) / 1_000);
  tally.observe("nexflow_store_batch_requests", answered.length);
}

function tellMeasures(): void {
  const notice: StoreThreadNotice = { kind: "measured", report: tally.take(), delay: readDelay() };
  owner.postMessage(notice);
}
