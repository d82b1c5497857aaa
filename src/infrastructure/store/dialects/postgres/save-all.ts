import { dayOf } from "#domain/spend/budget.ts";
import { packEvents } from "#domain/turn/event-log.ts";
import type { SaveTurn } from "#domain/turn/turn-log.ts";
import { messageToArgs, turnStateToArgs } from "../../rows.ts";
import { modelCallToArgs } from "../../spend-rows.ts";
import { taskToArgs } from "../../task-rows.ts";
import type { PostgresPool } from "./postgres-pool.ts";

/*
 * The script `save` for many turns in one statement, where nobody is asked and no turn is joined. No
 * two of them may be of one turn.
 */

/** What some save of a batch brings along; what none does is left out of the statement. */
interface Parts {
  readonly hasEnds: boolean;
  /** Time that a turn ran which goes on. */
  readonly hasTimes: boolean;
  readonly hasTasks: boolean;
  readonly hasCalls: boolean;
}

/**
 * A save counts where its run still owns the turn and its events go on from the session's last one.
 * The turn's row is locked first, so a recovery waits or has been before. The division at the end
 * takes everything back where the log moved on all the same, which only a fault of ours could do.
 * Sessions and turns are looked up one by one (LATERAL, ANY): left to itself, the planner goes
 * through all sessions, or all turns that run. What days have cost is added up first: a row for each
 * user there is. Those rows come last and in their order, so that nobody waits for them in a ring.
 */
function saveStatement(parts: Parts): string {
  const { hasEnds, hasTimes, hasTasks, hasCalls } = parts;
  return `
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS given (
      i int, turn_id text, session_id text, epoch bigint, state text, ended_at_ms bigint,
      failure_code text, failure_message text, head_seq bigint, last_seq bigint, events_json text,
      now_ms bigint, ran_ms bigint, day text, untrusted text, private text, messages json,
      tasks json, calls json)
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
  ${HELD}
  ${hasEnds ? ENDED + CLOSED : ""}
  ${hasTimes ? TIMED : ""}
  owned AS MATERIALIZED (
    SELECT input.*, held.user_id, held.added_ms FROM held JOIN input USING (i)
  ),
  ${hasCalls ? CALLED : ""}
  spent AS MATERIALIZED (
    SELECT i, user_id, day, 0 AS steps, 0 AS tokens, 0 AS cost_nano_usd, added_ms AS wall_ms
    FROM owned WHERE added_ms > 0
    ${hasCalls ? "UNION ALL SELECT i, user_id, day, steps, tokens, added_nano_usd, 0 FROM called" : ""}
  ),
  ${MOVED}
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
  ${hasTasks ? DONE : ""}
  ${hasCalls ? ASKED : ""}
  ${COUNTED}
  SELECT owned.i,
    CASE WHEN owned.last_seq IS NOT NULL AND owned.i NOT IN (SELECT i FROM moved)
      THEN 1 / (owned.i - owned.i) ELSE 0 END AS torn
  FROM owned`;
}

/** What is on record of a turn's time is read when its row is locked: another try may have added it. */
const HELD = `held AS MATERIALIZED (
    SELECT i, turn.user_id, greatest(input.ran_ms - turn.ran_ms, 0) AS added_ms
    FROM turn JOIN input USING (turn_id)
    WHERE turn.state = 'running' AND turn.epoch = input.epoch AND i IN (SELECT i FROM joined)
    FOR NO KEY UPDATE OF turn
  ),`;

const ENDED = `ended AS (
    UPDATE turn SET state = input.state, ended_at_ms = input.ended_at_ms,
      failure_code = input.failure_code, failure_message = input.failure_message,
      ran_ms = turn.ran_ms + held.added_ms
    FROM input JOIN held USING (i)
    WHERE turn.session_id = input.session_id AND turn.turn_id = input.turn_id
      AND turn.session_id = ANY (ARRAY(SELECT session_id FROM input))
      AND turn.state = 'running' AND turn.epoch = input.epoch
      AND input.state IS NOT NULL
    RETURNING turn.turn_id, turn.pauses
  ),`;

/** Nobody is to decide any more on what they have asked. */
const CLOSED = `
  closed AS (
    UPDATE approval SET state = 'expired', revision = revision + 1,
      decided_at_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    WHERE turn_id = ANY (ARRAY(SELECT turn_id FROM ended WHERE pauses > 0)) AND state = 'pending'
  ),`;

const TIMED = `timed AS (
    UPDATE turn SET ran_ms = turn.ran_ms + held.added_ms
    FROM input JOIN held USING (i)
    WHERE turn.session_id = input.session_id AND turn.turn_id = input.turn_id
      AND turn.session_id = ANY (ARRAY(SELECT session_id FROM input))
      AND turn.state = 'running' AND turn.epoch = input.epoch
      AND input.state IS NULL AND held.added_ms > 0
  ),`;

const CALLED = `called AS MATERIALIZED (
    SELECT i, c.*,
      CASE WHEN counted.tokens IS NULL THEN 1 ELSE 0 END AS steps,
      c.input_tokens + c.output_tokens - coalesce(counted.tokens, 0) AS tokens,
      c.cost_nano_usd - coalesce(counted.cost_nano_usd, 0) AS added_nano_usd
    FROM owned, json_to_recordset(owned.calls) AS c (
      turn_id text, model_call_id text, session_id text, user_id text, step int, model text,
      state text, input_tokens bigint, output_tokens bigint, cached_input_tokens bigint,
      cache_write_tokens bigint, reasoning_tokens bigint, is_estimated int, cost_nano_usd bigint,
      started_at_ms bigint, first_token_at_ms bigint, ended_at_ms bigint, failure_code text,
      failure_message text, day text)
    LEFT JOIN LATERAL (
      SELECT input_tokens + output_tokens AS tokens, cost_nano_usd FROM model_call
      WHERE model_call.turn_id = c.turn_id AND model_call.model_call_id = c.model_call_id
      LIMIT 1
    ) AS counted ON true
  ),`;

const MOVED = `moved AS (
    UPDATE session SET
      head_seq = coalesce(owned.last_seq, session.head_seq),
      head_epoch = CASE WHEN owned.last_seq IS NULL THEN session.head_epoch ELSE owned.epoch END,
      updated_at_ms =
        CASE WHEN owned.last_seq IS NULL THEN session.updated_at_ms ELSE owned.now_ms END,
      steps = session.steps + coalesce(grown.steps, 0),
      tokens = session.tokens + coalesce(grown.tokens, 0),
      cost_nano_usd = session.cost_nano_usd + coalesce(grown.cost_nano_usd, 0),
      wall_ms = session.wall_ms + coalesce(grown.wall_ms, 0),
      untrusted_from = coalesce(session.untrusted_from, owned.untrusted),
      private_from = coalesce(session.private_from, owned.private)
    FROM owned LEFT JOIN (
      SELECT i, sum(steps)::bigint AS steps, sum(tokens)::bigint AS tokens,
        sum(cost_nano_usd)::bigint AS cost_nano_usd, sum(wall_ms)::bigint AS wall_ms
      FROM spent GROUP BY i
    ) AS grown USING (i)
    WHERE session.session_id = owned.session_id
      AND (session.head_seq = owned.head_seq OR owned.last_seq IS NULL
        AND coalesce(owned.untrusted, owned.private, grown.steps::text) IS NOT NULL)
    RETURNING i
  ),`;

const DONE = `done AS (
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
  ),`;

const ASKED = `asked AS (
    INSERT INTO model_call
      (turn_id, model_call_id, session_id, user_id, step, model, state, input_tokens, output_tokens,
       cached_input_tokens, cache_write_tokens, reasoning_tokens, is_estimated, cost_nano_usd,
       started_at_ms, first_token_at_ms, ended_at_ms, failure_code, failure_message)
    SELECT turn_id, model_call_id, session_id, user_id, step, model, state, input_tokens,
      output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, is_estimated,
      cost_nano_usd, started_at_ms, first_token_at_ms, ended_at_ms, failure_code, failure_message
    FROM called
    ON CONFLICT (turn_id, model_call_id) DO UPDATE SET
      model = excluded.model, state = excluded.state, input_tokens = excluded.input_tokens,
      output_tokens = excluded.output_tokens, cached_input_tokens = excluded.cached_input_tokens,
      cache_write_tokens = excluded.cache_write_tokens,
      reasoning_tokens = excluded.reasoning_tokens, is_estimated = excluded.is_estimated,
      cost_nano_usd = excluded.cost_nano_usd, first_token_at_ms = excluded.first_token_at_ms,
      ended_at_ms = excluded.ended_at_ms, failure_code = excluded.failure_code,
      failure_message = excluded.failure_message
  ),`;

const COUNTED = `counted AS (
    INSERT INTO spend (user_id, day, shard, steps, tokens, cost_nano_usd, wall_ms)
    SELECT who, day, pg_backend_pid() % 16, sum(steps), sum(tokens), sum(cost_nano_usd),
      sum(wall_ms)
    FROM spent, LATERAL (VALUES (''), (user_id)) AS whose (who)
    GROUP BY who, day
    ORDER BY who COLLATE "C", day
    ON CONFLICT (user_id, day, shard) DO UPDATE SET
      steps = spend.steps + excluded.steps, tokens = spend.tokens + excluded.tokens,
      cost_nano_usd = spend.cost_nano_usd + excluded.cost_nano_usd,
      wall_ms = spend.wall_ms + excluded.wall_ms
  )`;

/** Saves, as `TurnLog.save` each; gives for each whether it was its run's to make. */
export async function saveAll(
  pool: PostgresPool,
  inputs: readonly SaveTurn[],
): Promise<readonly boolean[]> {
  const statement = saveStatement(partsOf(inputs));
  const rows = await pool.query<{ i: number }>(statement, [JSON.stringify(inputs.map(toJson))]);
  const owned = new Set(rows.map(({ i }) => i));
  return inputs.map((_, index) => owned.has(index));
}

function partsOf(inputs: readonly SaveTurn[]): Parts {
  const goOn = inputs.filter(({ end }) => end === undefined);
  return {
    hasEnds: goOn.length < inputs.length,
    hasTimes: goOn.some(({ ranMs = 0 }) => ranMs > 0),
    hasTasks: inputs.some(({ tasks }) => tasks.length > 0),
    hasCalls: inputs.some(({ modelCalls = [] }) => modelCalls.length > 0),
  };
}

/** Whether `saveAll` can make it. */
export function isUsualSave(input: SaveTurn): boolean {
  const { pause, approvals = [], joined = [], background = [] } = input;
  const rare = [approvals, joined, background];
  return pause === undefined && rare.every(({ length }) => length === 0);
}

/** What two saves that are made together must not have in common. */
export function saveKeys({ sessionId }: SaveTurn): readonly string[] {
  return [sessionId];
}

function toJson(input: SaveTurn, i: number) {
  const { turnId, sessionId, epoch, end, messages, tasks, events, nowMs } = input;
  const { ranMs = 0, taint = {}, modelCalls = [] } = input;
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
    ran_ms: ranMs,
    day: dayOf(nowMs),
    ...taint,
    messages: messages.map(({ message, position }) => toColumns(messageToArgs(message, position))),
    tasks: tasks.map((task) => toColumns(taskToArgs(task))),
    calls: modelCalls.map((call) => {
      return { ...toColumns(modelCallToArgs(call)), day: dayOf(call.startedAtMs) };
    }),
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
