import path from "node:path";
import type { InstanceRegistry } from "#domain/instance/instance-registry.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { TurnId } from "#domain/shared/id.ts";
import {
  parseInstanceId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
} from "#domain/shared/id.ts";
import type { AcceptTurn, QueuedTurn, TurnLog, TurnOwner } from "#domain/turn/turn-log.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { migrateSqlite } from "#infrastructure/store/dialects/sqlite/migrate-sqlite.ts";
import {
  createSqliteReadCaller,
  createSqliteWriteCaller,
} from "#infrastructure/store/dialects/sqlite/sqlite-callers.ts";
import {
  openSqlite,
  type SqliteConnection,
} from "#infrastructure/store/dialects/sqlite/sqlite-connection.ts";
import { type Reads, reads } from "#infrastructure/store/reads.ts";
import type { ReadCaller, WriteCaller } from "#infrastructure/store/repositories.ts";
import type { Script } from "#infrastructure/store/script.ts";
import { writes as scripts } from "#infrastructure/store/writes.ts";
import { openTempDir } from "./temp-dir.ts";

export const ADA = parseUserId("ada");
export const BOB = parseUserId("bob");

/** The real tables, written on this thread; and what tests need to break and to look at them. */
export interface TurnStore extends AsyncDisposable {
  readonly turns: TurnLog;
  readonly instances: InstanceRegistry;
  /** The instance that accepts and runs turns unless told otherwise. */
  readonly owner: TurnOwner;
  readonly reader: SyncReader;
  /** For further repositories over the same tables. */
  readonly callers: { readonly reader: ReadCaller; readonly writer: WriteCaller };
  /** The writes that were made, in order. */
  readonly writes: readonly string[];
  /** Every write fails as on a full disk until it is called with `false`. */
  breakWrites(isBroken: boolean): void;
  /** Accepts a message of Ada's, in a new session unless told otherwise. */
  accept(options?: AcceptOptions): Promise<AcceptedTurn>;
  stateOf(turnId: TurnId): string | undefined;
  /** What is on a queue. */
  jobs(queue: string): readonly unknown[];
  /** The tasks that go on without their turns. */
  background(): readonly unknown[];
}

export async function openTurnStore(): Promise<TurnStore> {
  const dir = await openTempDir();
  const file = path.join(dir.path, "nexflow.db");
  const db = openSqlite({ file, mode: "write" });
  await migrateSqlite(db.database, file);
  const reader = createSyncReader(db);
  for (const id of [ADA, BOB]) {
    db.run(scripts.addUser({ id, name: id, role: "member", createdAtMs: 0 }));
  }
  const instanceId = parseInstanceId("here");
  const entry = { instanceId, leaseMs: 1e9, isAlone: true };
  const owner = { instanceId, ...db.run(scripts.joinInstance(entry)) };
  const writes: string[] = [];
  let isBroken = false;

  const write = async <T>(name: string, script: () => Script<T>): Promise<T> => {
    await Promise.resolve();
    if (isBroken) throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
    const result = db.database.transaction(() => db.run(script())).immediate();
    writes.push(name);
    return result;
  };
  const turns: TurnLog = {
    accept: (input) => write("accept", () => scripts.accept(input)),
    claim: (input) => write("claim", () => scripts.claim(input)),
    save: (input) => write(input.end?.kind ?? "save", () => scripts.save(input)),
    recover: (input) => write("recover", () => scripts.recover(input)),
    cancel: (turnId) => write("cancel", () => scripts.cancelTurn(turnId)),
    importTurn: (input) => write("import", () => scripts.importTurn(input)),
  };
  const instances: InstanceRegistry = {
    join: (input) => write("join", () => scripts.joinInstance(input)),
    renew: (input) => write("renew", () => scripts.renewInstance(input)),
    leave: (id) => write("leave", () => scripts.leaveInstance(id)),
    listRunning: async (id) => reader.listRunning(id),
  };
  return {
    turns,
    instances,
    owner,
    reader,
    callers: { reader: createSqliteReadCaller(() => db), writer: createSqliteWriteCaller(db) },
    writes,
    breakWrites: (broken) => {
      isBroken = broken;
    },
    accept: async (options) => {
      return toQueued(await turns.accept(acceptInput({ owner, ...options })), options);
    },
    stateOf: (turnId) => reader.findTurn(turnId)?.state.kind,
    jobs: (queue) => {
      const rows = db.database.prepare("SELECT data_json FROM job WHERE queue = ?").all(queue);
      return (rows as { data_json: string }[]).map((row) => JSON.parse(row.data_json) as unknown);
    },
    background: () => db.database.prepare("SELECT task_id FROM background_task").all(),
    [Symbol.asyncDispose]: async () => {
      db.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** A turn that is stored; whether it is stored as running says `isBegun`. */
export interface AcceptedTurn extends QueuedTurn {
  readonly isBegun: boolean;
}

/** All reads, answered at once. */
export type SyncReader = {
  readonly [Name in keyof Reads]: (
    ...args: Parameters<Reads[Name]>
  ) => Reads[Name] extends (...args: never[]) => Script<infer Result> ? Result : never;
};

function createSyncReader(db: SqliteConnection): SyncReader {
  const entries = Object.entries(reads).map(([name, script]) => {
    const start = script as (...args: readonly unknown[]) => Script<unknown>;
    return [name, (...args: readonly unknown[]) => db.run(start(...args))];
  });
  return Object.fromEntries(entries) as SyncReader;
}

interface AcceptOptions extends Pick<AcceptTurn, "mode" | "images" | "parentTurnId" | "model"> {
  readonly sessionId?: SessionId | undefined;
  readonly owner?: TurnOwner;
  readonly text?: string;
}

function acceptInput({
  sessionId,
  owner,
  text = "Hello",
  ...rest
}: AcceptOptions & { readonly owner: TurnOwner }): AcceptTurn {
  return {
    turnId: parseTurnId(newId()),
    userId: ADA,
    clientMessageId: newId(),
    messageId: parseMessageId(newId()),
    text,
    session: { id: sessionId ?? parseSessionId(newId()), isNew: sessionId === undefined },
    owner,
    nowMs: 1,
    ...rest,
  };
}

function toQueued(
  result: Awaited<ReturnType<TurnLog["accept"]>>,
  { text = "Hello" }: AcceptOptions = {},
): AcceptedTurn {
  if (result.kind !== "accepted") throw new Error(`Cannot accept: ${result.kind}`);
  const { turnId, sessionId, messageId, seq: headSeq, isBegun } = result;
  const message = { messageId, text, acceptedAtMs: 1 };
  const { session, isBranched } = result;
  const about = { ...(session && { session }), ...(isBranched && { isBranched }) };
  return { turnId, sessionId, userId: ADA, ...message, attempt: 1, headSeq, isBegun, ...about };
}
