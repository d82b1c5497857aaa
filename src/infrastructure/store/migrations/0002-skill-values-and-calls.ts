/*
 * A space knows what it holds, so that a quota is checked without reading all of it. Keys are the
 * bytes of their UTF-8: that is the order in which they are listed. The numbers of records grow
 * with each one written.
 */
export const statements = [
  `CREATE TABLE skill_kv_space (
    skill TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES "user" (user_id) ON DELETE CASCADE,
    keys BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (skill, user_id)
  ) WITHOUT ROWID`,
  `CREATE INDEX skill_kv_space_by_user ON skill_kv_space (user_id)`,
  `CREATE TABLE skill_kv (
    skill TEXT NOT NULL,
    user_id TEXT NOT NULL,
    key BLOB NOT NULL,
    bytes BIGINT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (skill, user_id, key),
    FOREIGN KEY (skill, user_id) REFERENCES skill_kv_space (skill, user_id) ON DELETE CASCADE
  ) WITHOUT ROWID`,
  `CREATE TABLE skill_call (
    record_id INTEGER PRIMARY KEY,
    recorded_at_ms BIGINT NOT NULL,
    call_id TEXT NOT NULL,
    skill TEXT NOT NULL,
    skill_version TEXT NOT NULL,
    skill_digest TEXT NOT NULL,
    tool TEXT NOT NULL,
    user_id TEXT NOT NULL,
    policy_hash TEXT NOT NULL,
    seed TEXT NOT NULL,
    start_ms BIGINT NOT NULL,
    input_hash TEXT NOT NULL,
    input_bytes BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    rule TEXT,
    wall_ms DOUBLE PRECISION NOT NULL,
    cpu_ms DOUBLE PRECISION NOT NULL,
    memory_mib DOUBLE PRECISION NOT NULL,
    output_bytes BIGINT NOT NULL,
    host_calls BIGINT NOT NULL
  )`,
  `CREATE TABLE host_call (
    record_id INTEGER PRIMARY KEY,
    recorded_at_ms BIGINT NOT NULL,
    call_id TEXT NOT NULL,
    skill TEXT NOT NULL,
    skill_digest TEXT NOT NULL,
    seq BIGINT NOT NULL,
    name TEXT NOT NULL,
    decision TEXT NOT NULL,
    rule TEXT NOT NULL,
    policy_hash TEXT NOT NULL,
    ms DOUBLE PRECISION NOT NULL,
    args_hash TEXT NOT NULL,
    args_bytes BIGINT NOT NULL,
    result_hash TEXT NOT NULL,
    result_bytes BIGINT NOT NULL,
    args_json TEXT,
    result_json TEXT
  )`,
];
