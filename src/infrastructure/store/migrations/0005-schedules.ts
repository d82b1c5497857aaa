/*
 * Schedules, their firings, and the jobs that carry them out. On Postgres jobs are pg-boss's, in a
 * schema of its own, and the table `job` stays empty.
 */
export const statements = [
  `CREATE TABLE schedule (
    schedule_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES "user" (user_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    when_json TEXT NOT NULL,
    missed TEXT NOT NULL,
    action_json TEXT NOT NULL,
    state TEXT NOT NULL,
    next_at_ms BIGINT,
    state_at_ms BIGINT,
    last_fired_at_ms BIGINT,
    created_at_ms BIGINT NOT NULL
  )`,
  `CREATE INDEX schedule_by_user ON schedule (user_id, schedule_id)`,
  `CREATE INDEX schedule_due ON schedule (next_at_ms) WHERE next_at_ms IS NOT NULL`,
  `CREATE TABLE schedule_firing (
    schedule_id TEXT NOT NULL REFERENCES schedule (schedule_id) ON DELETE CASCADE,
    due_at_ms BIGINT NOT NULL,
    fired_at_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    started_at_ms BIGINT,
    late_ms BIGINT,
    ended_at_ms BIGINT,
    turn_id TEXT,
    task_id TEXT,
    failure_code TEXT,
    failure_message TEXT,
    PRIMARY KEY (schedule_id, due_at_ms)
  ) WITHOUT ROWID`,
  `CREATE INDEX schedule_firing_ended ON schedule_firing (ended_at_ms) WHERE ended_at_ms IS NOT NULL`,
  `CREATE TABLE job (
    queue TEXT NOT NULL,
    job_id TEXT NOT NULL,
    data_json TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    ready_at_ms BIGINT NOT NULL,
    lease_until_ms BIGINT,
    ended_at_ms BIGINT,
    failure_code TEXT,
    failure_message TEXT,
    PRIMARY KEY (queue, job_id)
  ) WITHOUT ROWID`,
  `CREATE INDEX job_waiting ON job (queue, ready_at_ms) WHERE state = 'waiting'`,
  `CREATE INDEX job_leased ON job (queue, lease_until_ms) WHERE state = 'leased'`,
  `CREATE INDEX job_ended ON job (state, ended_at_ms) WHERE ended_at_ms IS NOT NULL`,
];
