import { titleFrom } from "#domain/session/session.ts";
import type { AcceptResult, AcceptTurn } from "#domain/turn/turn-log.ts";
import { sessionNowFromRow, userPartsJson } from "../../rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";

/*
 * The script `accept` for many messages in one statement, which is one round trip and one commit.
 * No two of them may be of one session or carry one client message id of one user, and each goes on
 * from the turn before it. It stores those on which there is no more to say; the others are left to
 * the script.
 */

/**
 * Reads of the statement see what was there before it. That another instance may add a turn to the
 * session at this very moment is caught by the index `turn_running`: then the statement fails as a
 * whole. The lock on the session keeps it from being deleted meanwhile. Each session is looked up by
 * itself (LATERAL): whatever the statistics say, no table is gone through.
 */
const ACCEPT_ALL = `
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS given (
      turn_id text, user_id text, client_message_id text, message_id text, parts_json text,
      session_id text, is_new boolean, title text, model text, mode text, instance_id text, epoch bigint,
      now_ms bigint)
  ),
  known AS MATERIALIZED (
    SELECT turn_id, found.*
    FROM (SELECT * FROM input WHERE NOT is_new ORDER BY session_id COLLATE "C") AS input
    CROSS JOIN LATERAL (
      SELECT head_seq, session.model AS session_model, untrusted_from, private_from,
        context_version,
        (SELECT max(message.turn_id) FROM message WHERE message.session_id = session.session_id)
          AS last_turn_id,
        EXISTS (
          SELECT 1 FROM turn
          WHERE turn.session_id = session.session_id
            AND turn.state IN ('queued', 'running', 'waiting')
        ) AS is_busy
      FROM session
      WHERE session.session_id = input.session_id AND session.user_id = input.user_id
        AND session.next_parent_turn_id IS NULL
      LIMIT 1
      FOR KEY SHARE
    ) AS found
  ),
  alive AS (
    SELECT instance_id FROM instance
    WHERE expires_at_ms > extract(epoch FROM clock_timestamp()) * 1000
  ),
  placed AS MATERIALIZED (
    SELECT input.*, coalesce(known.head_seq, 0) AS head_seq,
      coalesce(input.model, session_model) AS answering_model, untrusted_from, private_from,
      coalesce(context_version, 0) AS context_version,
      NOT coalesce(known.is_busy, false) AND instance_id IN (SELECT instance_id FROM alive)
        AS is_begun
    FROM input
    LEFT JOIN known USING (turn_id)
    WHERE is_new OR turn_id > coalesce(known.last_turn_id, '') COLLATE "C"
        AND known.turn_id IS NOT NULL
  ),
  taken AS (
    INSERT INTO turn
      (turn_id, session_id, user_id, user_message_id, client_message_id, accepted_seq, state,
       attempts, epoch, created_at_ms, started_at_ms, instance_id, model, mode)
    SELECT turn_id, session_id, user_id, message_id, client_message_id, head_seq,
      CASE WHEN is_begun THEN 'running' ELSE 'queued' END,
      CASE WHEN is_begun THEN 1 ELSE 0 END,
      CASE WHEN is_begun THEN epoch ELSE 0 END,
      now_ms,
      CASE WHEN is_begun THEN now_ms END,
      CASE WHEN is_begun THEN instance_id END, model, mode
    FROM placed
    ON CONFLICT (user_id, client_message_id) DO NOTHING
    RETURNING turn_id, accepted_seq, state
  ),
  made AS (
    INSERT INTO session
      (session_id, user_id, title, created_at_ms, updated_at_ms, head_seq, head_epoch)
    SELECT session_id, user_id, title, now_ms, now_ms, 0, 0
    FROM input JOIN taken USING (turn_id) WHERE is_new
  ),
  said AS (
    INSERT INTO message
      (session_id, turn_id, position, message_id, role, parts_json, is_complete, created_at_ms)
    SELECT session_id, turn_id, 0, message_id, 'user', parts_json, 1, now_ms
    FROM input JOIN taken USING (turn_id)
  )
  SELECT turn_id, accepted_seq, state, answering_model AS model, untrusted_from, private_from,
    context_version,
    (SELECT "user".context_version FROM "user" WHERE "user".user_id = placed.user_id)
      AS user_context_version,
    NOT EXISTS (SELECT FROM note WHERE note.user_id = placed.user_id)
      AND NOT EXISTS (SELECT FROM pin WHERE pin.session_id = placed.session_id)
      AND NOT EXISTS (SELECT FROM compaction WHERE compaction.session_id = placed.session_id)
      AS has_only_messages
  FROM taken JOIN placed USING (turn_id)`;

interface Row {
  readonly turn_id: string;
  readonly accepted_seq: number;
  readonly state: "running" | "queued";
  readonly model: string | null;
  readonly untrusted_from: string | null;
  readonly private_from: string | null;
  readonly context_version: number;
  readonly user_context_version: number;
  readonly has_only_messages: boolean;
}

/**
 * Takes messages in, as `TurnLog.accept` each; all of these or none are stored. `undefined` stands
 * for one that was not: it was here before, its session is not there, has a later turn, or is to go
 * on from an earlier one.
 */
export async function acceptAll(
  pool: PostgresPool,
  inputs: readonly AcceptTurn[],
): Promise<readonly (AcceptResult | undefined)[]> {
  const rows = await pool.query<Row>(ACCEPT_ALL, [JSON.stringify(inputs.map(toJson))]);
  const byTurn = new Map(rows.map((row) => [row.turn_id, row]));
  return inputs.map(({ turnId, messageId, session }) => {
    const row = byTurn.get(turnId);
    if (row === undefined) return undefined;
    const stored = { sessionId: session.id, messageId, turnId, seq: row.accepted_seq };
    const now = sessionNowFromRow(row);
    const isBegun = row.state === "running";
    const contextVersion = { session: row.context_version, user: row.user_context_version };
    const seen = isBegun ? { contextVersion } : {};
    const only = isBegun && row.has_only_messages ? { hasOnlyMessages: true } : {};
    const about = { isBegun, ...(now !== undefined && { session: now }), ...seen, ...only };
    return { kind: "accepted", ...stored, duplicate: false, ...about };
  });
}

/** What two messages that are accepted together must not have in common. */
export function acceptKeys({ userId, clientMessageId, session }: AcceptTurn): readonly string[] {
  return [`message ${userId} ${clientMessageId}`, `session ${session.id}`];
}

function toJson(input: AcceptTurn) {
  const { session, owner } = input;
  return {
    turn_id: input.turnId,
    user_id: input.userId,
    client_message_id: input.clientMessageId,
    message_id: input.messageId,
    parts_json: userPartsJson(input),
    session_id: session.id,
    is_new: session.isNew,
    title: session.isNew ? titleFrom(input.text) : null,
    model: input.model ?? null,
    mode: input.mode ?? "queue",
    instance_id: owner.instanceId,
    epoch: owner.epoch,
    now_ms: input.nowMs,
  };
}
