import { queries } from "../load-queries.ts";
import type { Query, QueryArgs } from "../query.ts";
import { get, run, type Script } from "../script.ts";

/** A batch of rows, and how many of each kind are kept in all. */
export interface RecordCalls {
  readonly skillCalls: readonly QueryArgs[];
  readonly hostCalls: readonly QueryArgs[];
  readonly maxRows: number;
}

/** Rows that one batch removes at most: a bound that was lowered does not hold up the store. */
const MAX_TRIMMED = 2_000;

/** Adds the batch and drops the oldest rows beyond `maxRows`. */
export function* recordCalls({ skillCalls, hostCalls, maxRows }: RecordCalls): Script<void> {
  for (const row of skillCalls) yield* run(queries.insertSkillCall, row);
  for (const row of hostCalls) yield* run(queries.insertHostCall, row);
  yield* trim({ range: queries.findSkillCallRange, drop: queries.deleteSkillCallsTo, maxRows });
  yield* trim({ range: queries.findHostCallRange, drop: queries.deleteHostCallsTo, maxRows });
}

interface Trim {
  readonly range: Query<{ first: number | null; last: number | null }>;
  readonly drop: Query<unknown>;
  readonly maxRows: number;
}

/** Records are numbered with next to no gaps, so that no row is counted. */
function* trim({ range, drop, maxRows }: Trim): Script<void> {
  const { first = null, last = null } = (yield* get(range)) ?? {};
  if (first === null || last === null || last - first < maxRows) return;
  yield* run(drop, { recordId: Math.min(last - maxRows, first + MAX_TRIMMED - 1) });
}
