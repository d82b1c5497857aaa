import path from "node:path";
import { Fault } from "#domain/shared/fault.ts";
import type { TurnId } from "#domain/shared/id.ts";
import {
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
  type SessionId,
} from "#domain/shared/id.ts";
import type { AcceptTurn, QueuedTurn, TurnLog } from "#domain/turn/turn-log.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { migrateSqlite } from "#infrastructure/store/sqlite/migrate-sqlite.ts";
import { openSqlite } from "#infrastructure/store/sqlite/sqlite-connection.ts";
import { SqliteReader } from "#infrastructure/store/sqlite/sqlite-reader.ts";
import { SqliteWriter } from "#infrastructure/store/sqlite/sqlite-writer.ts";
import { openTempDir } from "./temp-dir.ts";

export const ADA = parseUserId("ada");
export const BOB = parseUserId("bob");

/** The real tables, written on this thread; and what tests need to break and to look at them. */
export interface TurnStore extends AsyncDisposable {
  readonly turns: TurnLog;
  readonly reader: SqliteReader;
  /** The writes that were made, in order. */
  readonly writes: readonly string[];
  /** Every write fails as on a full disk until it is called with `false`. */
  breakWrites(isBroken: boolean): void;
  /** Accepts a message of Ada's, in a new session unless told otherwise. */
  accept(options?: AcceptOptions): Promise<QueuedTurn>;
  stateOf(turnId: TurnId): string | undefined;
}

export async function openTurnStore(): Promise<TurnStore> {
  const dir = await openTempDir();
  const file = path.join(dir.path, "nexflow.db");
  const db = openSqlite({ file, mode: "write" });
  await migrateSqlite(db.database, file);
  const writer = new SqliteWriter(db);
  const reader = new SqliteReader(db);
  for (const id of [ADA, BOB]) writer.addUser({ id, name: id, role: "member", createdAtMs: 0 });
  const writes: string[] = [];
  let isBroken = false;

  const write = async <T>(name: string, work: () => T): Promise<T> => {
    await Promise.resolve();
    if (isBroken) throw new Fault("STORE_UNAVAILABLE", "Cannot write: the disk is full");
    const result = db.database.transaction(work).immediate();
    writes.push(name);
    return result;
  };
  const turns: TurnLog = {
    accept: (input) => write("accept", () => writer.accept(input)),
    begin: (input) => write("begin", () => writer.begin(input)),
    save: (input) => write(input.end?.kind ?? "save", () => writer.save(input)),
    recover: (input) => write("recover", () => writer.recover(input)),
  };
  return {
    turns,
    reader,
    writes,
    breakWrites: (broken) => {
      isBroken = broken;
    },
    accept: async (options) => toQueued(await turns.accept(acceptInput(options)), options),
    stateOf: (turnId) => reader.findTurn(turnId)?.state.kind,
    [Symbol.asyncDispose]: async () => {
      db.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

interface AcceptOptions {
  readonly sessionId?: SessionId | undefined;
  readonly beginEpoch?: number | undefined;
  readonly text?: string;
}

function acceptInput({ sessionId, beginEpoch, text = "Hello" }: AcceptOptions = {}): AcceptTurn {
  return {
    turnId: parseTurnId(newId()),
    userId: ADA,
    clientMessageId: newId(),
    messageId: parseMessageId(newId()),
    text,
    session: { id: sessionId ?? parseSessionId(newId()), isNew: sessionId === undefined },
    beginEpoch,
    nowMs: 1,
  };
}

function toQueued(
  result: Awaited<ReturnType<TurnLog["accept"]>>,
  { text = "Hello" }: AcceptOptions = {},
): QueuedTurn {
  if (result.kind !== "accepted") throw new Error(`Cannot accept: ${result.kind}`);
  const { turnId, sessionId, messageId, seq: headSeq } = result;
  const message = { messageId, text, acceptedAtMs: 1 };
  return { turnId, sessionId, userId: ADA, ...message, attempt: 1, headSeq };
}
