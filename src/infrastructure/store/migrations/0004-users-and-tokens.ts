/*
 * A credential has an id, by which people name it, and says what it may be used for; what was made
 * before that could be used for everything. Answers of requests are kept under their key.
 */
export const statements = [
  `ALTER TABLE credential ADD COLUMN credential_id TEXT NOT NULL DEFAULT ''`,
  `ALTER TABLE credential ADD COLUMN scopes TEXT NOT NULL DEFAULT ''`,
  `ALTER TABLE credential ADD COLUMN parent_id TEXT`,
  `ALTER TABLE credential ADD COLUMN last_used_at_ms BIGINT`,
  `UPDATE credential SET credential_id = substr(hash, 1, 32), scopes = '*'`,
  `CREATE UNIQUE INDEX credential_by_id ON credential (credential_id)`,
  `CREATE INDEX credential_by_user ON credential (user_id, credential_id)`,
  `CREATE INDEX credential_by_parent ON credential (parent_id)`,
  `DROP INDEX session_by_user`,
  `CREATE INDEX session_by_user ON session (user_id, updated_at_ms, session_id)`,
  `CREATE TABLE idempotency_key (
    user_id TEXT NOT NULL,
    key_hash TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    work_id TEXT NOT NULL,
    begun_at_ms BIGINT NOT NULL,
    held_at_ms BIGINT NOT NULL,
    status INTEGER,
    body TEXT,
    PRIMARY KEY (user_id, key_hash)
  ) WITHOUT ROWID`,
  `CREATE INDEX idempotency_key_by_age ON idempotency_key (begun_at_ms)`,
];
