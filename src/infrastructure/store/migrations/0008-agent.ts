/*
 * What an agent's turn needs. A turn may wait for people, join another one, or go on from another
 * turn than the one before it (`parent_turn_id`; '' where it begins the conversation anew). What was
 * spent is kept as sums: of a session in its row, of a user and of all ('') by the day, in a few
 * rows each, so that no two writers wait for each other.
 */
export const statements = [
  `ALTER TABLE session ADD COLUMN model TEXT`,
  `ALTER TABLE session ADD COLUMN untrusted_from TEXT`,
  `ALTER TABLE session ADD COLUMN private_from TEXT`,
  `ALTER TABLE session ADD COLUMN steps BIGINT NOT NULL DEFAULT 0`,
  `ALTER TABLE session ADD COLUMN tokens BIGINT NOT NULL DEFAULT 0`,
  `ALTER TABLE session ADD COLUMN cost_nano_usd BIGINT NOT NULL DEFAULT 0`,
  `ALTER TABLE session ADD COLUMN wall_ms BIGINT NOT NULL DEFAULT 0`,
  `ALTER TABLE session ADD COLUMN is_branched INTEGER NOT NULL DEFAULT 0`,
  `ALTER TABLE session ADD COLUMN next_parent_turn_id TEXT`,
  `ALTER TABLE turn ADD COLUMN model TEXT`,
  `ALTER TABLE turn ADD COLUMN mode TEXT NOT NULL DEFAULT 'queue'`,
  `ALTER TABLE turn ADD COLUMN parent_turn_id TEXT`,
  `ALTER TABLE turn ADD COLUMN joined_turn_id TEXT`,
  `ALTER TABLE turn ADD COLUMN waiting_since_ms BIGINT`,
  `ALTER TABLE turn ADD COLUMN pauses INTEGER NOT NULL DEFAULT 0`,
  `ALTER TABLE turn ADD COLUMN ran_ms BIGINT NOT NULL DEFAULT 0`,
  `DROP INDEX turn_open`,
  `CREATE INDEX turn_open ON turn (session_id, turn_id)
    WHERE state IN ('queued', 'running', 'waiting')`,
  `CREATE INDEX turn_joined ON turn (session_id) WHERE joined_turn_id IS NOT NULL`,
  `ALTER TABLE approval ADD COLUMN turn_id TEXT NOT NULL DEFAULT 'none'`,
  `ALTER TABLE approval ADD COLUMN tool_call_id TEXT NOT NULL DEFAULT 'none'`,
  `ALTER TABLE approval ADD COLUMN card_json TEXT NOT NULL DEFAULT '{}'`,
  `ALTER TABLE approval ADD COLUMN revoked_by TEXT`,
  `ALTER TABLE approval ADD COLUMN revoked_at_ms BIGINT`,
  `CREATE INDEX approval_by_turn ON approval (turn_id)`,
  `CREATE TABLE model_call (
    turn_id TEXT NOT NULL,
    model_call_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    model TEXT NOT NULL,
    state TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT,
    cache_write_tokens BIGINT,
    reasoning_tokens BIGINT,
    is_estimated INTEGER,
    cost_nano_usd BIGINT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    first_token_at_ms BIGINT,
    ended_at_ms BIGINT,
    failure_code TEXT,
    failure_message TEXT,
    PRIMARY KEY (turn_id, model_call_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE spend (
    user_id TEXT NOT NULL,
    day TEXT NOT NULL,
    shard INTEGER NOT NULL,
    steps BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    cost_nano_usd BIGINT NOT NULL,
    wall_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, day, shard)
  ) WITHOUT ROWID`,
  `CREATE TABLE brake (
    brake_id INTEGER NOT NULL PRIMARY KEY,
    since_ms BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    reason TEXT
  )`,
  `CREATE TABLE compaction (
    session_id TEXT NOT NULL,
    compaction_id TEXT NOT NULL,
    up_to_turn_id TEXT NOT NULL,
    summary TEXT NOT NULL,
    model TEXT NOT NULL,
    messages BIGINT NOT NULL,
    tokens_before BIGINT NOT NULL,
    tokens_after BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    undone_by TEXT,
    undone_at_ms BIGINT,
    PRIMARY KEY (session_id, compaction_id)
  ) WITHOUT ROWID`,
  `CREATE UNIQUE INDEX compaction_by_id ON compaction (compaction_id)`,
  `CREATE TABLE pin (
    session_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    pinned_at_ms BIGINT NOT NULL,
    PRIMARY KEY (session_id, message_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE note (
    user_id TEXT NOT NULL REFERENCES "user" (user_id) ON DELETE CASCADE,
    note_id TEXT NOT NULL,
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    session_id TEXT,
    turn_id TEXT,
    untrusted_from TEXT,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, note_id)
  ) WITHOUT ROWID`,
];
