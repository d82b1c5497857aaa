/*
 * Installed skills, approvals, and tasks that tell whose they are. A task of a schedule has the
 * empty turn id. Every column is one that the program before can do without.
 */
export const statements = [
  `CREATE TABLE installed_skill (
    name TEXT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    publisher TEXT,
    manifest_json TEXT NOT NULL,
    grants_json TEXT NOT NULL,
    state TEXT NOT NULL,
    state_since_ms BIGINT NOT NULL,
    state_by TEXT,
    state_reason TEXT,
    installed_at_ms BIGINT NOT NULL,
    installed_by TEXT NOT NULL,
    revision BIGINT NOT NULL
  )`,
  `CREATE TABLE approval (
    approval_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES "user" (user_id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    skill TEXT NOT NULL,
    skill_digest TEXT NOT NULL,
    tool TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    input_json TEXT NOT NULL,
    requested_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    state TEXT NOT NULL,
    decided_by TEXT,
    decided_at_ms BIGINT,
    reason TEXT,
    scope_json TEXT,
    revision BIGINT NOT NULL
  )`,
  `CREATE INDEX approval_by_user ON approval (user_id)`,
  `CREATE INDEX approval_by_session ON approval (session_id, skill, tool)`,
  `CREATE INDEX approval_pending ON approval (approval_id) WHERE state = 'pending'`,
  `ALTER TABLE task ADD COLUMN user_id TEXT NOT NULL DEFAULT ''`,
  `ALTER TABLE task ADD COLUMN session_id TEXT`,
  `ALTER TABLE task ADD COLUMN schedule_id TEXT`,
  `ALTER TABLE task ADD COLUMN started_at_ms BIGINT`,
  `UPDATE task SET
    user_id = COALESCE((SELECT turn.user_id FROM turn WHERE turn.turn_id = task.turn_id), ''),
    session_id = (SELECT turn.session_id FROM turn WHERE turn.turn_id = task.turn_id),
    started_at_ms = created_at_ms`,
  `CREATE UNIQUE INDEX task_by_id ON task (task_id)`,
  `CREATE INDEX task_by_user ON task (user_id, task_id)`,
  `CREATE INDEX task_by_session ON task (session_id, task_id)`,
];
