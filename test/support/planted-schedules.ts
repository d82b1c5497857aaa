import pg from "pg";

export interface Planting {
  readonly count: number;
  /** The times follow each other evenly for so long. */
  readonly spreadMs: number;
  readonly beginMs: number;
}

const USERS = 100;

/** Schedules that send a message once, each to a session of its own, in the store at `url`. */
export async function plantSchedules(url: string, { count, spreadMs, beginMs }: Planting) {
  await query(
    url,
    `INSERT INTO "user" (user_id, name, role, created_at_ms)
    SELECT 'user-' || i, 'User ' || i, 'member', 0 FROM generate_series(0, $1::int - 1) AS i`,
    [USERS],
  );
  await query(
    url,
    `INSERT INTO schedule (schedule_id, user_id, name, when_json, missed, action_json, state,
      next_at_ms, created_at_ms)
    SELECT 'load-' || i, 'user-' || (i % $1::int), 'Load',
      json_build_object('kind', 'at', 'atMs', $2::bigint + i * $3::bigint / $4)::text, 'once',
      '{"kind":"message","text":"hello"}', 'active', $2::bigint + i * $3::bigint / $4, 0
    FROM generate_series(0, $4::int - 1) AS i`,
    [USERS, Date.now() + beginMs, spreadMs, count],
  );
}

/** Waits until all schedules have ended and so have their firings and turns. */
export async function untilAllEnded(url: string): Promise<void> {
  for (;;) {
    const [row] = await query(
      url,
      `SELECT (SELECT count(*) FROM schedule WHERE state = 'active')
        + (SELECT count(*) FROM schedule_firing WHERE state IN ('waiting', 'running'))
        + (SELECT count(*) FROM turn WHERE state IN ('queued', 'running')) AS left`,
    );
    if (Number(row?.["left"]) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** What came of planted schedules: all the same number where each fired once and was answered. */
export async function countFirings(url: string) {
  const [row] = await query(
    url,
    `SELECT count(*)::int AS firings, count(DISTINCT schedule_id)::int AS schedules,
      count(*) FILTER (WHERE state = 'done')::int AS done, count(DISTINCT turn_id)::int AS turns,
      (SELECT count(*)::int FROM turn) AS "allTurns",
      (SELECT count(*)::int FROM turn WHERE state = 'completed') AS completed,
      (SELECT count(*)::int FROM message WHERE role = 'assistant') AS answers,
      (SELECT count(DISTINCT turn_id)::int FROM message WHERE role = 'assistant') AS answered
    FROM schedule_firing`,
  );
  return row;
}

/** How late firings were, in milliseconds. */
export async function readLateness(url: string) {
  const [row] = await query(
    url,
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY late_ms)::int AS p50,
      percentile_cont(0.99) WITHIN GROUP (ORDER BY late_ms)::int AS p99, max(late_ms)::int AS most
    FROM schedule_firing`,
  );
  return row;
}

/** What `countFirings` gives where nothing was lost or doubled. */
export function eachOnce(count: number) {
  const turns = { turns: count, allTurns: count, completed: count };
  return {
    firings: count,
    schedules: count,
    done: count,
    ...turns,
    answers: count,
    answered: count,
  };
}

async function query(url: string, text: string, values: readonly unknown[] = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
