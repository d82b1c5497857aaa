import { queries } from "../load-queries.ts";
import type { Query, QueryArgs } from "../query.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** A batch of rows, and how many of each kind are kept in all. */
export interface RecordCalls {
  readonly skillCalls: readonly QueryArgs[];
  readonly hostCalls: readonly QueryArgs[];
  readonly maxRows: number;
}

/** Rows that one batch removes at most: a bound that was lowered does not hold up the store. */
const MAX_TRIMMED = 2_000;

/** Adds the batch and drops the oldest rows beyond `maxRows`. To be called in a transaction. */
export function recordCalls(
  db: SqliteConnection,
  { skillCalls, hostCalls, maxRows }: RecordCalls,
): void {
  for (const row of skillCalls) db.run(queries.insertSkillCall, row);
  for (const row of hostCalls) db.run(queries.insertHostCall, row);
  trim(db, { range: queries.findSkillCallRange, drop: queries.deleteSkillCallsTo, maxRows });
  trim(db, { range: queries.findHostCallRange, drop: queries.deleteHostCallsTo, maxRows });
}

interface Trim {
  readonly range: Query<{ first: number | null; last: number | null }>;
  readonly drop: Query<unknown>;
  readonly maxRows: number;
}

/** Records are numbered without gaps, so that no row is counted. */
function trim(db: SqliteConnection, { range, drop, maxRows }: Trim): void {
  const { first = null, last = null } = db.get(range) ?? {};
  if (first === null || last === null || last - first < maxRows) return;
  db.run(drop, { recordId: Math.min(last - maxRows, first + MAX_TRIMMED - 1) });
}
