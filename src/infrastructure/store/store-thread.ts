import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from "node:worker_threads";
import { toFailure } from "#domain/shared/fault.ts";
import { armFailpoints, passCommit } from "../failpoints/failpoints.ts";
import { migrateSqlite } from "./sqlite/migrate-sqlite.ts";
import { openSqlite, type SqliteConnection, toFault } from "./sqlite/sqlite-connection.ts";
import { SqliteReader } from "./sqlite/sqlite-reader.ts";
import { SqliteWriter } from "./sqlite/sqlite-writer.ts";
import type {
  StoreReply,
  StoreRequest,
  StoreThreadData,
  StoreThreadGreeting,
  StoreThreadOrder,
} from "./store-protocol.ts";

/*
 * The thread that owns the store's SQLite connections. It commits in groups: everything that
 * waits on any port when it comes round goes into one transaction, which is on disk before any of
 * it is answered. While that commit is under way the next group gathers. Where writes come side
 * by side a group waits a moment for more (a commit costs about as much for ten writes as for
 * one); a lone write does not wait. Reads of a group follow its commit, and see it.
 */

const GATHER_MS = 1;
/** Writes in a group, on average, from which on it pays to wait for more. */
const CROWDED = 2;
/** How much the newest group counts in that average. */
const NEWEST_WEIGHT = 0.1;

interface Waiting {
  readonly port: MessagePort;
  readonly request: StoreRequest;
}

const { file, failpoints } = workerData as StoreThreadData;
armFailpoints(failpoints);
const owner = parentPort as MessagePort;
const ports = new Set<MessagePort>();

owner.once("message", (order: StoreThreadOrder) => {
  if (order.kind === "close") process.exit();
  void open();
});

async function open(): Promise<void> {
  try {
    const db = openSqlite({ file, mode: "write" });
    await migrateSqlite(db.database, file);
    serve(db, openSqlite({ file, mode: "read" }));
    greet({ kind: "open" });
  } catch (error) {
    greet({ kind: "failed", failure: toFailure(toFault(error, file)) });
    owner.once("message", () => process.exit());
  }
}

function greet(greeting: StoreThreadGreeting): void {
  owner.postMessage(greeting);
}

function serve(db: SqliteConnection, readDb: SqliteConnection): void {
  const write = groupWriter(db);
  const read = groupReader(readDb);
  let group: Waiting[] = [];
  let usualSize = 0;
  const flush = () => {
    const due = drain(group);
    group = [];
    const writes = due.filter(({ request }) => request.target === "write");
    if (writes.length > 0) {
      usualSize += (writes.length - usualSize) * NEWEST_WEIGHT;
      write(writes);
    }
    if (writes.length < due.length) read(due.filter(({ request }) => request.target === "read"));
  };
  owner.on("message", (order: StoreThreadOrder) => {
    if (order.kind === "close") {
      flush();
      readDb.close();
      db.close();
      process.exit();
    }
    if (order.kind === "open") return;
    const { port } = order;
    ports.add(port);
    port.on("close", () => ports.delete(port));
    port.on("message", (requests: StoreRequest[]) => {
      const isFirst = group.length === 0;
      for (const request of requests) group.push({ port, request });
      if (!isFirst) return;
      if (usualSize < CROWDED) flush();
      else setTimeout(flush, GATHER_MS);
    });
  });
}

/** Adds what else has arrived on any port. */
function drain(group: Waiting[]): Waiting[] {
  for (const port of ports) {
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      for (const request of next.message as StoreRequest[]) group.push({ port, request });
    }
  }
  return group;
}

function groupReader(db: SqliteConnection) {
  const reader = new SqliteReader(db);
  return (group: readonly Waiting[]): void => {
    answer(
      group,
      group.map(({ request }) => attempt(() => call(reader, request), request)),
    );
  };
}

function groupWriter(db: SqliteConnection) {
  const writer = new SqliteWriter(db);
  const transaction = db.database.transaction((requests: readonly StoreRequest[]) => {
    const replies = requests.map(
      (request): StoreReply => ({
        kind: "done",
        id: request.id,
        value: call(writer, request),
      }),
    );
    passCommit(
      "before",
      requests.map(({ method }) => method),
    );
    return replies;
  });
  const inTransaction = {
    immediate: (requests: readonly StoreRequest[]) => {
      const replies = transaction.immediate(requests);
      passCommit(
        "after",
        requests.map(({ method }) => method),
      );
      return replies;
    },
  };

  return (group: readonly Waiting[]): void => {
    const requests = group.map(({ request }) => request);
    try {
      answer(group, inTransaction.immediate(requests));
    } catch {
      // One of them failed and took the group back with it: each gets a transaction of its own.
      const replies = requests.map((request) =>
        attempt(
          () => (inTransaction.immediate([request])[0] as StoreReply & { kind: "done" }).value,
          request,
        ),
      );
      answer(group, replies);
    }
  };
}

function call(target: SqliteReader | SqliteWriter, { method, args }: StoreRequest): unknown {
  const methods = target as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  return (methods[method] as (typeof methods)[string]).apply(target, [...args]);
}

function attempt(work: () => unknown, { id }: StoreRequest): StoreReply {
  try {
    return { kind: "done", id, value: work() };
  } catch (error) {
    return { kind: "failed", id, failure: toFailure(toFault(error, file)) };
  }
}

function answer(group: readonly Waiting[], replies: readonly StoreReply[]): void {
  const byPort = new Map<MessagePort, StoreReply[]>();
  for (const [index, { port }] of group.entries()) {
    const forPort = byPort.get(port);
    const reply = replies[index] as StoreReply;
    if (forPort === undefined) byPort.set(port, [reply]);
    else forPort.push(reply);
  }
  for (const [port, forPort] of byPort) port.postMessage(forPort);
}
