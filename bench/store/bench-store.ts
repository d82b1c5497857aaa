import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MessageChannel } from "node:worker_threads";
import { parseInstanceId, type SessionId } from "#domain/shared/id.ts";
import type { TurnLog, TurnOwner } from "#domain/turn/turn-log.ts";
import { ADMIN } from "#domain/user/user.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { createPostgresCallers } from "#infrastructure/store/dialects/postgres/postgres-callers.ts";
import { PostgresPool } from "#infrastructure/store/dialects/postgres/postgres-pool.ts";
import { createSqliteWriteCaller } from "#infrastructure/store/dialects/sqlite/sqlite-callers.ts";
import { openSqlite } from "#infrastructure/store/dialects/sqlite/sqlite-connection.ts";
import { databaseFile, openStore } from "#infrastructure/store/open-store.ts";
import {
  createInstanceRegistry,
  createTurnLog,
  type WriteCaller,
} from "#infrastructure/store/repositories.ts";
import { StoreClient } from "#infrastructure/store/store-client.ts";
import type { Writes } from "#infrastructure/store/writes.ts";
import type { BenchPostgres } from "../open-bench-postgres.ts";
import { inNewSessions, inSessions, type NextAccept } from "./accepts.ts";
import { openRawPostgres } from "./raw-postgres.ts";
import { openRawSqlite } from "./raw-sqlite.ts";
import type { RawWriter } from "./raw-writer.ts";

/*
 * Two databases of one kind, made alike: Nexflow writes the one, its driver by itself the other.
 */

export interface BenchStore extends AsyncDisposable {
  readonly name: string;
  readonly own: OwnArm;
  readonly raw: RawArm;
  /** How many rows an accept writes. Counted where Nexflow has closed its connections. */
  countRows(): Promise<{ readonly new: number; readonly existing: number }>;
}

interface Arm {
  readonly owner: TurnOwner;
  readonly sessions: readonly SessionId[];
  /** Has every turn end: what comes next finds idle sessions. */
  endTurns(): Promise<void> | void;
}

export interface OwnArm extends Arm {
  readonly turns: TurnLog;
  /** How many times the store's thread has answered: once for each transaction. */
  answers(): number;
}

export interface RawArm extends Arm {
  readonly writer: RawWriter;
}

/** Enough that a message hardly ever comes to a session whose last one is not stored yet. */
const SESSIONS = 10_000;
const COUNTED = 200;
const LEASE_MS = 3_600_000;

export async function openSqliteStore(): Promise<BenchStore> {
  const dir = await mkdtemp(path.join(tmpdir(), "nexflow-bench-"));
  const homes = { own: path.join(dir, "nexflow"), raw: path.join(dir, "raw") };
  const own = await openNexflow(homes.own);
  const raw = await openNexflow(homes.raw);
  await raw.close();
  // Beside Nexflow's own thread, which rests meanwhile.
  const control = openRawSqlite(databaseFile(homes.own));
  const writer = openRawSqlite(databaseFile(homes.raw));
  return {
    name: "SQLite",
    own: { ...own, endTurns: () => control.endTurns() },
    raw: { ...raw, writer, endTurns: () => writer.endTurns() },
    countRows: () => countSqliteRows(databaseFile(homes.raw), raw),
    [Symbol.asyncDispose]: async () => {
      await control.close();
      await writer.close();
      await own.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function openPostgresStore(postgres: BenchPostgres): Promise<BenchStore> {
  const urls = { own: await postgres.createDatabase(), raw: await postgres.createDatabase() };
  const own = await openNexflow("", urls.own);
  const raw = await openNexflow("", urls.raw);
  await raw.close();
  const control = openRawPostgres(urls.own);
  const writer = openRawPostgres(urls.raw);
  return {
    name: "Postgres",
    own: { ...own, endTurns: () => control.endTurns() },
    raw: { ...raw, writer, endTurns: () => writer.endTurns() },
    countRows: () => countPostgresRows(urls.raw, raw),
    [Symbol.asyncDispose]: async () => {
      await control.close();
      await writer.close();
      await own.close();
    },
  };
}

/** Nexflow's store, as the server opens it, with an instance that accepts and sessions. */
async function openNexflow(homeDir: string, url?: string) {
  const store = await openStore(homeDir, url);
  const { port1, port2 } = new MessageChannel();
  store.attach(port2);
  const client = new StoreClient<Writes>(port1, "write");
  const turns = createTurnLog(client);
  let answers = 0;
  port1.on("message", () => {
    answers += 1;
  });
  const instanceId = parseInstanceId(newId());
  await store.writer.call("addUser", { ...ADMIN, createdAtMs: Date.now() });
  const instances = createInstanceRegistry(store.reader, store.writer);
  const { epoch } = await instances.join({ instanceId, leaseMs: LEASE_MS, isAlone: false });
  const owner = { instanceId, epoch };
  return {
    turns,
    owner,
    sessions: await makeSessions(turns, inNewSessions(owner)),
    answers: () => answers,
    close: async () => {
      await store[Symbol.asyncDispose]();
      client.close();
    },
  };
}

async function makeSessions(turns: TurnLog, next: NextAccept): Promise<readonly SessionId[]> {
  const made = await Promise.all(Array.from({ length: SESSIONS }, () => turns.accept(next())));
  return made.map((each) => {
    if (each.kind === "accepted") return each.sessionId;
    throw new Error(`Cannot measure: a message came to "${each.kind}"`);
  });
}

async function countSqliteRows(file: string, arm: Omit<Arm, "endTurns">) {
  const connection = openSqlite({ file, mode: "write" });
  const total = connection.database.prepare("SELECT total_changes()").pluck();
  const count = async () => Number(total.get());
  try {
    return await countRows(createSqliteWriteCaller(connection), count, arm);
  } finally {
    connection.close();
  }
}

async function countPostgresRows(url: string, arm: Omit<Arm, "endTurns">) {
  const pool = new PostgresPool({ url, maxConnections: 1 });
  const count = async () => {
    // What this connection has done counts at once then.
    await pool.query("SELECT pg_stat_force_next_flush()");
    const [found] = await pool.query<{ rows: number }>(
      "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint AS rows FROM pg_stat_user_tables",
    );
    return found?.rows ?? Number.NaN;
  };
  try {
    return await countRows(createPostgresCallers(pool).writer, count, arm);
  } finally {
    await pool.close();
  }
}

async function countRows(
  writer: WriteCaller,
  count: () => Promise<number>,
  { owner, sessions }: Omit<Arm, "endTurns">,
) {
  const turns = createTurnLog(writer);
  const perAccept = async (next: NextAccept) => {
    const before = await count();
    for (let made = 0; made < COUNTED; made += 1) await turns.accept(next());
    return ((await count()) - before) / COUNTED;
  };
  return {
    new: await perAccept(inNewSessions(owner)),
    existing: await perAccept(inSessions(owner, sessions)),
  };
}
