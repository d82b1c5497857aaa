import pg from "pg";
import type { AcceptTurn } from "#domain/turn/turn-log.ts";
import {
  createToRow,
  END_TURNS,
  INSERT_MESSAGE,
  INSERT_SESSION,
  INSERT_TURN,
  type RawRow,
  type RawWriter,
} from "./raw-writer.ts";

/** As many batches as Nexflow has under way. */
const LANES = 2;

const INPUT = `WITH input AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
      $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[])
      AS given (session_id, turn_id, message_id, user_id, client_message_id, title, parts_json,
        instance_id, epoch, now_ms, state)
  )`;
const MADE = `made AS (
    ${INSERT_SESSION} SELECT session_id, user_id, title, now_ms, now_ms, 0, 0 FROM input
  )`;
const SAID = `said AS (
    ${INSERT_MESSAGE}
    SELECT session_id, turn_id, 0, message_id, 'user', parts_json, 1, now_ms FROM input
  )`;
const TAKEN = `${INSERT_TURN}
  SELECT turn_id, session_id, user_id, message_id, client_message_id, 0, state, 1, epoch, now_ms,
    now_ms, instance_id FROM input`;
const NEW = { name: "accept-new", text: `${INPUT}, ${MADE}, ${SAID} ${TAKEN}` };
const EXISTING = { name: "accept", text: `${INPUT}, ${SAID} ${TAKEN}` };

const COLUMNS = [
  "sessionId",
  "turnId",
  "messageId",
  "userId",
  "clientMessageId",
  "title",
  "partsJson",
  "instanceId",
  "epoch",
  "nowMs",
  "state",
] as const satisfies readonly (keyof RawRow)[];

/** node-postgres: one prepared statement, one round trip and one commit for each batch. */
export function openRawPostgres(url: string): RawWriter {
  const pool = new pg.Pool({ connectionString: url, max: LANES });
  const begun = new Set<string>();
  const toRow = createToRow(begun);
  return {
    lanes: LANES,
    write: async (inputs: readonly AcceptTurn[]) => {
      const rows = inputs.map(toRow);
      const values = COLUMNS.map((column) => rows.map((row) => row[column]));
      await pool.query({ ...(inputs[0]?.session.isNew ? NEW : EXISTING), values });
    },
    endTurns: async () => {
      await pool.query(END_TURNS);
      begun.clear();
    },
    close: () => pool.end(),
  };
}
