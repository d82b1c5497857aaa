import { titleFrom } from "#domain/session/session.ts";
import { parseMessageId, parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { AcceptResult, AcceptTurn } from "#domain/turn/turn-log.ts";
import { userPartsJson } from "../../rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";

/*
 * The script `accept` for many messages in one statement, which is one round trip and one commit.
 * No two of them may be of one session or carry one client message id of one user.
 */

/**
 * Reads of the statement see what was there before it. That another instance may add a turn to the
 * session at this very moment is caught by the index `turn_running`: then the statement fails as a
 * whole. The lock on the session keeps it from being deleted meanwhile.
 */
const ACCEPT_ALL = `
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS given (
      i int, turn_id text, user_id text, client_message_id text, message_id text, parts_json text,
      session_id text, is_new boolean, title text, instance_id text, epoch bigint, now_ms bigint)
  ),
  earlier AS (
    SELECT i, turn.session_id, turn.turn_id, turn.user_message_id, turn.accepted_seq,
      message.parts_json,
      turn.state = 'running' AND turn.instance_id = input.instance_id
        AND turn.epoch = input.epoch AND turn.turn_id = input.turn_id AS is_begun
    FROM input
    JOIN turn USING (user_id, client_message_id)
    LEFT JOIN message ON message.session_id = turn.session_id
      AND message.turn_id = turn.turn_id AND message.position = 0
  ),
  fresh AS (SELECT * FROM input WHERE i NOT IN (SELECT i FROM earlier)),
  known AS (
    SELECT i, head_seq,
      (SELECT max(message.turn_id) FROM message WHERE message.session_id = session.session_id)
        AS last_turn_id,
      EXISTS (
        SELECT 1 FROM turn
        WHERE turn.session_id = session.session_id AND turn.state IN ('queued', 'running')
      ) AS is_busy
    FROM fresh
    JOIN session USING (session_id, user_id)
    WHERE NOT is_new
    ORDER BY session.session_id
    FOR KEY SHARE OF session
  ),
  alive AS (
    SELECT instance_id FROM instance
    WHERE expires_at_ms > extract(epoch FROM clock_timestamp()) * 1000
  ),
  placed AS (
    SELECT fresh.*, coalesce(known.head_seq, 0) AS head_seq,
      NOT coalesce(known.is_busy, false) AND instance_id IN (SELECT instance_id FROM alive)
        AS is_begun
    FROM fresh
    LEFT JOIN known USING (i)
    WHERE is_new OR (known.i IS NOT NULL AND turn_id > coalesce(known.last_turn_id, '') COLLATE "C")
  ),
  made AS (
    INSERT INTO session
      (session_id, user_id, title, created_at_ms, updated_at_ms, head_seq, head_epoch)
    SELECT session_id, user_id, title, now_ms, now_ms, 0, 0 FROM placed WHERE is_new
  ),
  said AS (
    INSERT INTO message
      (session_id, turn_id, position, message_id, role, parts_json, is_complete, created_at_ms)
    SELECT session_id, turn_id, 0, message_id, 'user', parts_json, 1, now_ms FROM placed
  ),
  taken AS (
    INSERT INTO turn
      (turn_id, session_id, user_id, user_message_id, client_message_id, accepted_seq, state,
       attempts, epoch, created_at_ms, started_at_ms, instance_id)
    SELECT turn_id, session_id, user_id, message_id, client_message_id, head_seq,
      CASE WHEN is_begun THEN 'running' ELSE 'queued' END,
      CASE WHEN is_begun THEN 1 ELSE 0 END,
      CASE WHEN is_begun THEN epoch ELSE 0 END,
      now_ms,
      CASE WHEN is_begun THEN now_ms END,
      CASE WHEN is_begun THEN instance_id END
    FROM placed
  )
  SELECT i, 'accepted' AS kind, head_seq AS seq, is_begun, NULL AS session_id, NULL AS turn_id,
    NULL AS message_id, NULL AS parts_json
  FROM placed
  UNION ALL
  SELECT i, 'earlier', accepted_seq, is_begun, session_id, turn_id, user_message_id, parts_json
  FROM earlier
  UNION ALL
  SELECT i, 'outdated-id', 0, false, NULL, last_turn_id, NULL, NULL
  FROM known WHERE i NOT IN (SELECT i FROM placed)`;

type Row = { readonly i: number; readonly seq: number; readonly is_begun: boolean } & (
  | { readonly kind: "accepted" }
  | {
      readonly kind: "earlier";
      readonly session_id: string;
      readonly turn_id: string;
      readonly message_id: string;
      readonly parts_json: string | null;
    }
  | { readonly kind: "outdated-id"; readonly turn_id: string }
);

/** Takes messages in, as `TurnLog.accept` each; all or none are stored. */
export async function acceptAll(
  pool: PostgresPool,
  inputs: readonly AcceptTurn[],
): Promise<readonly AcceptResult[]> {
  const rows = await pool.query<Row>(ACCEPT_ALL, [JSON.stringify(inputs.map(toJson))]);
  const byIndex = new Map(rows.map((row) => [row.i, row]));
  return inputs.map((input, index) => toResult(input, byIndex.get(index)));
}

/** What two messages that are accepted together must not have in common. */
export function acceptKeys({ userId, clientMessageId, session }: AcceptTurn): readonly string[] {
  return [`message ${userId} ${clientMessageId}`, `session ${session.id}`];
}

function toJson(input: AcceptTurn, i: number) {
  const { session, owner } = input;
  return {
    i,
    turn_id: input.turnId,
    user_id: input.userId,
    client_message_id: input.clientMessageId,
    message_id: input.messageId,
    parts_json: userPartsJson(input.text),
    session_id: session.id,
    is_new: session.isNew,
    title: session.isNew ? titleFrom(input.text) : null,
    instance_id: owner.instanceId,
    epoch: owner.epoch,
    now_ms: input.nowMs,
  };
}

function toResult(input: AcceptTurn, row: Row | undefined): AcceptResult {
  if (row === undefined) return { kind: "not-found" };
  const { seq, is_begun: isBegun } = row;
  switch (row.kind) {
    case "accepted": {
      const { turnId, messageId, session } = input;
      const stored = { sessionId: session.id, messageId, turnId, seq };
      return { kind: "accepted", ...stored, duplicate: false, isBegun };
    }
    case "earlier": {
      const { session, text } = input;
      const isElsewhere = !session.isNew && session.id !== row.session_id;
      if (isElsewhere || row.parts_json !== userPartsJson(text)) return { kind: "conflict" };
      return {
        kind: "accepted",
        sessionId: parseSessionId(row.session_id),
        messageId: parseMessageId(row.message_id),
        turnId: parseTurnId(row.turn_id),
        seq,
        // Its own turn means the same call once more: it was made, and its answer was lost.
        duplicate: row.turn_id !== input.turnId,
        isBegun,
      };
    }
    case "outdated-id":
      return { kind: "outdated-id", lastTurnId: parseTurnId(row.turn_id) };
    default:
      return row satisfies never;
  }
}
