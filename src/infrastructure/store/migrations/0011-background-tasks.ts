/*
 * The tasks that go on without their turns, and who runs them. Only those that run are here; a row
 * may outlive its task, which was deleted with its session, until the call has ended.
 */
export const statements = [
  `CREATE TABLE background_task (
    turn_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    PRIMARY KEY (turn_id, task_id)
  ) WITHOUT ROWID`,
];
