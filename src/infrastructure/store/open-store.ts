import { mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { Fault, type FaultCode } from "#domain/shared/fault.ts";
import type { ReadCaller, WriteCaller } from "./repositories.ts";
import { StoreClient } from "./store-client.ts";
import type {
  StoreLocation,
  StoreRequest,
  StoreThreadGreeting,
  StoreThreadNotice,
  StoreThreadOrder,
} from "./store-protocol.ts";

export interface Store extends AsyncDisposable {
  readonly location: StoreLocation;
  readonly writer: WriteCaller;
  readonly reader: ReadCaller;
  /** Connects another thread, which made `port`. */
  attach(port: MessagePort): void;
  /** Fulfilled where the store's thread ended of itself: every call fails from then on. */
  readonly lost: Promise<Fault>;
}

const CLOSE_MS = 5_000;

/** Where the database of a data directory is. */
export function databaseFile(homeDir: string): string {
  return path.join(homeDir, "nexflow.db");
}

/**
 * Where the store is: the Postgres database of `databaseUrl`, or the SQLite database of `homeDir`.
 * `databaseUrl` is as `NEXFLOW_DATABASE_URL` has it; "sqlite:" is the default.
 */
export function locateStore(homeDir: string, databaseUrl = "sqlite:"): StoreLocation {
  return databaseUrl === "sqlite:"
    ? { kind: "sqlite", file: databaseFile(homeDir) }
    : { kind: "postgres", url: databaseUrl };
}

/**
 * Opens the store, makes and migrates its database as needed. A SQLite database is this process's
 * alone, a Postgres database may be shared. Throws `Fault`: `STORE_LOCKED`, `STORE_TOO_NEW`,
 * `STORE_UNAVAILABLE`.
 */
export async function openStore(
  homeDir: string,
  databaseUrl?: string,
  onMeasured: (notice: StoreThreadNotice) => void = () => undefined,
): Promise<Store> {
  const location = locateStore(homeDir, databaseUrl);
  const lock = location.kind === "sqlite" ? lockDirectory(homeDir) : undefined;
  const thread = startThread(location, onMeasured);
  const close = async () => {
    await thread.close();
    lock?.close();
  };
  try {
    await thread.open();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    location,
    writer: thread.connect("write"),
    reader: thread.connect("read"),
    attach: thread.attach,
    lost: thread.lost,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Holds the data directory for this process. The lock is an open transaction on a file of its
 * own, so the system takes it back however the process ends.
 */
export function lockDirectory(homeDir: string): { close(): void } {
  let lock: Database.Database | undefined;
  try {
    makeDirectory(homeDir);
    lock = new Database(path.join(homeDir, "nexflow.lock"), { timeout: 0 });
    lock.pragma("journal_mode = MEMORY");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    if (error instanceof Database.SqliteError && error.code === "SQLITE_BUSY") {
      throw new Fault(
        "STORE_LOCKED",
        `Cannot open the data directory "${homeDir}": another Nexflow serves it; stop that one or set NEXFLOW_HOME`,
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault(
      "STORE_UNAVAILABLE",
      `Cannot use the data directory "${homeDir}": ${reason}; expected a directory that can be written`,
      { cause: error },
    );
  }
}

/** One level after the other: `recursive` never returns below a parent like "/proc". */
function makeDirectory(dir: string): void {
  const found = statSync(dir, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) throw new Error(`"${dir}" is a file`);
  makeDirectory(path.dirname(dir));
  mkdirSync(dir, { mode: 0o700 });
}

function startThread(location: StoreLocation, onMeasured: (notice: StoreThreadNotice) => void) {
  const thread = new Worker(new URL("store-thread.ts", import.meta.url), {
    workerData: location,
    name: "store",
    execArgv: [],
  });
  const greeting = Promise.withResolvers<StoreThreadGreeting>();
  greeting.promise.catch(() => undefined);
  let isClosing = false;
  let cause: unknown;
  const exited = new Promise<number>((done) => thread.once("exit", done));
  const lost = new Promise<Fault>((resolve) => {
    thread.once("exit", (code) => {
      const reason = cause instanceof Error ? `: ${cause.message}` : "";
      const message = `The thread of the store ended with code ${code}${reason}`;
      const fault = new Fault("STORE_UNAVAILABLE", message, { cause });
      greeting.reject(fault);
      if (!isClosing) resolve(fault);
    });
  });
  thread.once("message", greeting.resolve);
  thread.on("message", (notice: StoreThreadGreeting | StoreThreadNotice) => {
    if (notice.kind === "measured") onMeasured(notice);
  });
  thread.on("error", (error) => {
    cause = error;
  });
  const order = (message: StoreThreadOrder, ports: MessagePort[] = []) =>
    thread.postMessage(message, ports);
  const attach = (port: MessagePort) => order({ kind: "attach", port }, [port]);
  const clients: { close(): void }[] = [];
  return {
    attach,
    lost,
    open: async () => {
      order({ kind: "open" });
      const greeted = await greeting.promise;
      if (greeted.kind === "open") return;
      const { code, message } = greeted.failure;
      throw new Fault(code as FaultCode, message);
    },
    connect: (target: StoreRequest["target"]) => {
      const { port1, port2 } = new MessageChannel();
      attach(port2);
      const client = new StoreClient<never>(port1, target);
      clients.push(client);
      return client;
    },
    close: async () => {
      isClosing = true;
      // What was asked for before is done before; a thread that never opened has nothing to do.
      order({ kind: "close" });
      const slow = setTimeout(() => void thread.terminate(), CLOSE_MS);
      await exited;
      clearTimeout(slow);
      for (const client of clients) client.close();
    },
  };
}
