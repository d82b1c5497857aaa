/*
 * The audit log. What was erased of an entry is null, its hash stays; `audit_head` is the last
 * entry, and the row that everybody locks who adds one.
 */
export const statements = [
  `CREATE TABLE audit_entry (
    seq BIGINT NOT NULL PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    action TEXT NOT NULL,
    decision TEXT NOT NULL,
    policy_hash TEXT,
    actor TEXT,
    actor_salt TEXT,
    actor_hash TEXT NOT NULL,
    subject TEXT,
    subject_salt TEXT,
    subject_hash TEXT NOT NULL,
    detail_json TEXT,
    detail_salt TEXT,
    detail_hash TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
  ) WITHOUT ROWID`,
  `CREATE INDEX audit_by_actor ON audit_entry (actor, seq)`,
  `CREATE INDEX audit_by_subject ON audit_entry (subject, seq)`,
  `CREATE TABLE audit_head (
    head_id INTEGER NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL
  )`,
  `INSERT INTO audit_head (head_id, seq, hash) VALUES (1, 0, '${"0".repeat(64)}')`,
];
