/*
 * Who runs a turn: an instance of the program, for as long as its lease lasts. Of one session at
 * most one turn runs, whatever two instances believe.
 */
export const statements = [
  `CREATE TABLE instance (
    instance_id TEXT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
  )`,
  `ALTER TABLE turn ADD COLUMN instance_id TEXT`,
  `ALTER TABLE turn ADD COLUMN is_cancelled INTEGER NOT NULL DEFAULT 0`,
  `CREATE UNIQUE INDEX turn_running ON turn (session_id) WHERE state = 'running'`,
  `CREATE INDEX turn_queued ON turn (turn_id) WHERE state = 'queued'`,
];
