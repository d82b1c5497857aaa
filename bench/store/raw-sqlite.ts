import Database from "better-sqlite3";
import type { AcceptTurn } from "#domain/turn/turn-log.ts";
import {
  createToRow,
  END_TURNS,
  INSERT_MESSAGE,
  INSERT_SESSION,
  INSERT_TURN,
  type RawWriter,
} from "./raw-writer.ts";

/** better-sqlite3 on a database that Nexflow made: a statement for each table, prepared once. */
export function openRawSqlite(file: string): RawWriter {
  const database = new Database(file);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("foreign_keys = ON");
  database.pragma("wal_autocheckpoint = 4000");
  database.pragma("cache_size = -16000");
  const session = database.prepare(`${INSERT_SESSION} VALUES (?, ?, ?, ?, ?, 0, 0)`);
  const message = database.prepare(`${INSERT_MESSAGE} VALUES (?, ?, 0, ?, 'user', ?, 1, ?)`);
  const turn = database.prepare(`${INSERT_TURN} VALUES (?, ?, ?, ?, ?, 0, ?, 1, ?, ?, ?, ?)`);
  const endTurns = database.prepare(END_TURNS);
  const begun = new Set<string>();
  const toRow = createToRow(begun);
  const writeAll = database.transaction((inputs: readonly AcceptTurn[]) => {
    for (const input of inputs) {
      const row = toRow(input);
      const { sessionId, turnId, messageId, userId, nowMs } = row;
      if (input.session.isNew) session.run(sessionId, userId, row.title, nowMs, nowMs);
      message.run(sessionId, turnId, messageId, row.partsJson, nowMs);
      const { clientMessageId, state, epoch, instanceId } = row;
      turn.run(
        turnId,
        sessionId,
        userId,
        messageId,
        clientMessageId,
        state,
        epoch,
        nowMs,
        nowMs,
        instanceId,
      );
    }
  });
  return {
    lanes: 1,
    write: (inputs) => writeAll.immediate(inputs),
    endTurns: () => {
      endTurns.run();
      begun.clear();
    },
    close: () => void database.close(),
  };
}
