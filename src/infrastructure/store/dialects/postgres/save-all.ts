import { packEvents } from "#domain/turn/event-log.ts";
import type { SaveTurn } from "#domain/turn/turn-log.ts";
import { messageToArgs, turnStateToArgs } from "../../rows.ts";
import { taskToArgs } from "../../task-rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";

/*
 * The script `save` for many turns in one statement. No two of them may be of one turn.
 */

/**
 * A save counts where its run still owns the turn and its events go on from the session's last one.
 * The turn's row is locked first, so a recovery waits or has been before. The division at the end
 * takes everything back where the log moved on all the same, which only a fault of ours could do.
 * Sessions and turns are looked up one by one (LATERAL, ANY): left to itself, the planner goes
 * through all sessions, or all turns that run.
 */
const SAVE_ALL = `
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS given (
      i int, turn_id text, session_id text, epoch bigint, state text, ended_at_ms bigint,
      failure_code text, failure_message text, head_seq bigint, last_seq bigint, events_json text,
      now_ms bigint, messages json, tasks json)
  ),
  joined AS MATERIALIZED (
    SELECT i FROM input
    LEFT JOIN LATERAL (
      SELECT session.head_seq AS stored_seq FROM session
      WHERE session.session_id = input.session_id
      LIMIT 1
    ) AS log ON true
    WHERE last_seq IS NULL OR log.stored_seq = input.head_seq
  ),
  ended AS (
    UPDATE turn SET state = input.state, ended_at_ms = input.ended_at_ms,
      failure_code = input.failure_code, failure_message = input.failure_message
    FROM input
    WHERE turn.session_id = input.session_id AND turn.turn_id = input.turn_id
      AND turn.session_id = ANY (ARRAY(SELECT session_id FROM input))
      AND turn.state = 'running' AND turn.epoch = input.epoch
      AND input.state IS NOT NULL AND i IN (SELECT i FROM joined)
    RETURNING i
  ),
  held AS (
    SELECT i FROM turn JOIN input USING (turn_id)
    WHERE turn.state = 'running' AND turn.epoch = input.epoch
      AND input.state IS NULL AND i IN (SELECT i FROM joined)
    FOR NO KEY UPDATE OF turn
  ),
  owned AS (
    SELECT input.* FROM input WHERE i IN (SELECT i FROM ended UNION ALL SELECT i FROM held)
  ),
  moved AS (
    UPDATE session SET head_seq = owned.last_seq, head_epoch = owned.epoch,
      updated_at_ms = owned.now_ms
    FROM owned
    WHERE session.session_id = owned.session_id AND session.head_seq = owned.head_seq
      AND owned.last_seq IS NOT NULL
    RETURNING i
  ),
  said AS (
    INSERT INTO message
      (session_id, turn_id, position, message_id, role, parts_json, is_complete, created_at_ms)
    SELECT m.session_id, m.turn_id, m.position, m.message_id, m.role, m.parts_json, m.is_complete,
      m.created_at_ms
    FROM owned, json_to_recordset(owned.messages) AS m (
      session_id text, turn_id text, position int, message_id text, role text, parts_json text,
      is_complete int, created_at_ms bigint)
  ),
  logged AS (
    INSERT INTO event_segment (session_id, first_seq, last_seq, epoch, turn_id, events_json)
    SELECT session_id, head_seq + 1, last_seq, epoch, turn_id, events_json
    FROM owned WHERE last_seq IS NOT NULL
  ),
  done AS (
    INSERT INTO task
      (turn_id, task_id, tool_call_id, skill, tool, skill_digest, policy_hash, input_json, state,
       output_json, failure_code, failure_message, wall_ms, cpu_ms, memory_mib, output_bytes,
       created_at_ms, ended_at_ms, user_id, session_id, started_at_ms)
    SELECT t.*
    FROM owned, json_to_recordset(owned.tasks) AS t (
      turn_id text, task_id text, tool_call_id text, skill text, tool text, skill_digest text,
      policy_hash text, input_json text, state text, output_json text, failure_code text,
      failure_message text, wall_ms float8, cpu_ms float8, memory_mib float8, output_bytes bigint,
      created_at_ms bigint, ended_at_ms bigint, user_id text, session_id text,
      started_at_ms bigint)
    ON CONFLICT (turn_id, task_id) DO UPDATE SET
      skill_digest = excluded.skill_digest, policy_hash = excluded.policy_hash,
      state = excluded.state, output_json = excluded.output_json,
      failure_code = excluded.failure_code, failure_message = excluded.failure_message,
      wall_ms = excluded.wall_ms, cpu_ms = excluded.cpu_ms, memory_mib = excluded.memory_mib,
      output_bytes = excluded.output_bytes, ended_at_ms = excluded.ended_at_ms
  )
  SELECT owned.i,
    CASE WHEN owned.last_seq IS NOT NULL AND owned.i NOT IN (SELECT i FROM moved)
      THEN 1 / (owned.i - owned.i) ELSE 0 END AS torn
  FROM owned`;

/** Saves, as `TurnLog.save` each; gives for each whether it was its run's to make. */
export async function saveAll(
  pool: PostgresPool,
  inputs: readonly SaveTurn[],
): Promise<readonly boolean[]> {
  const rows = await pool.query<{ i: number }>(SAVE_ALL, [JSON.stringify(inputs.map(toJson))]);
  const owned = new Set(rows.map(({ i }) => i));
  return inputs.map((_, index) => owned.has(index));
}

/** What two saves that are made together must not have in common. */
export function saveKeys({ sessionId }: SaveTurn): readonly string[] {
  return [sessionId];
}

function toJson(
  { turnId, sessionId, epoch, end, messages, tasks, events, nowMs }: SaveTurn,
  i: number,
) {
  const state = end === undefined ? {} : toColumns(turnStateToArgs(end));
  const first = events[0];
  const log = first && {
    head_seq: first.seq - 1,
    last_seq: events.at(-1)?.seq,
    events_json: JSON.stringify(packEvents(events)),
  };
  return {
    i,
    turn_id: turnId,
    session_id: sessionId,
    epoch,
    ...state,
    ...log,
    now_ms: nowMs,
    messages: messages.map(({ message, position }) => toColumns(messageToArgs(message, position))),
    tasks: tasks.map((task) => toColumns(taskToArgs(task))),
  };
}

/** Arguments under the names of their columns. */
function toColumns(args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [toColumn(name), value]));
}

const columns = new Map<string, string>();

function toColumn(name: string): string {
  let column = columns.get(name);
  if (column === undefined) {
    column = name
      .replaceAll(/MiB$/gu, "_mib")
      .replaceAll(/[A-Z]/gu, (char) => `_${char.toLowerCase()}`);
    columns.set(name, column);
  }
  return column;
}
