/*
 * Plain SQL that SQLite and Postgres both read. The three tables that every turn writes are
 * clustered by what they are read by; SQLite needs `WITHOUT ROWID` for that.
 */
export const statements = [
  `CREATE TABLE "user" (
    user_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
  )`,
  `CREATE TABLE credential (
    hash TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES "user" (user_id),
    label TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT
  )`,
  `CREATE TABLE session (
    session_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES "user" (user_id),
    title TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    head_seq BIGINT NOT NULL,
    head_epoch BIGINT NOT NULL
  )`,
  `CREATE INDEX session_by_user ON session (user_id, updated_at_ms)`,
  `CREATE TABLE message (
    session_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    role TEXT NOT NULL,
    parts_json TEXT NOT NULL,
    is_complete INTEGER NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (session_id, turn_id, position)
  ) WITHOUT ROWID`,
  `CREATE TABLE turn (
    turn_id TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    user_message_id TEXT NOT NULL,
    client_message_id TEXT NOT NULL,
    accepted_seq BIGINT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    epoch BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    started_at_ms BIGINT,
    ended_at_ms BIGINT,
    failure_code TEXT,
    failure_message TEXT
  )`,
  `CREATE UNIQUE INDEX turn_by_client_message ON turn (user_id, client_message_id)`,
  `CREATE INDEX turn_open ON turn (session_id, turn_id) WHERE state IN ('queued', 'running')`,
  `CREATE TABLE task (
    turn_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    tool_call_id TEXT NOT NULL,
    skill TEXT NOT NULL,
    tool TEXT NOT NULL,
    skill_digest TEXT NOT NULL,
    policy_hash TEXT NOT NULL,
    input_json TEXT NOT NULL,
    state TEXT NOT NULL,
    output_json TEXT,
    failure_code TEXT,
    failure_message TEXT,
    wall_ms DOUBLE PRECISION NOT NULL,
    cpu_ms DOUBLE PRECISION NOT NULL,
    memory_mib DOUBLE PRECISION NOT NULL,
    output_bytes BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    PRIMARY KEY (turn_id, task_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE event_segment (
    session_id TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    turn_id TEXT NOT NULL,
    events_json TEXT NOT NULL,
    PRIMARY KEY (session_id, first_seq)
  ) WITHOUT ROWID`,
  `CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
  )`,
  `INSERT INTO counter (name, value) VALUES ('epoch', 0)`,
];
