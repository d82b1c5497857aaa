/* Where a conversation that a program keeps itself, and sends as a whole, is found again. */
export const statements = [
  `CREATE TABLE transcript (
    user_id TEXT NOT NULL REFERENCES "user" (user_id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    session_id TEXT NOT NULL,
    turn_id TEXT NOT NULL,
    PRIMARY KEY (user_id, hash)
  ) WITHOUT ROWID`,
  `CREATE INDEX transcript_by_session ON transcript (session_id)`,
];
