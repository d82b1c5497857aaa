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

/**
 * Adds the batch and drops the oldest rows beyond `maxRows`. A call may end after its user was
 * removed: nothing of it is kept.
 */
export function* recordCalls({ skillCalls, hostCalls, maxRows }: RecordCalls): Script<void> {
  const removed = yield* listRemoved(skillCalls);
  const ofRemoved = new Set<unknown>();
  for (const row of skillCalls) {
    if (removed.has(row["userId"])) ofRemoved.add(row["callId"]);
    else yield* run(queries.insertSkillCall, row);
  }
  for (const row of hostCalls) {
    if (!ofRemoved.has(row["callId"])) yield* run(queries.insertHostCall, row);
  }
  for (const callId of ofRemoved) {
    yield* run(queries.deleteHostCallsOfCall, { callId: String(callId) });
  }
  yield* trim({ range: queries.findSkillCallRange, drop: queries.deleteSkillCallsTo, maxRows });
  yield* trim({ range: queries.findHostCallRange, drop: queries.deleteHostCallsTo, maxRows });
}

/** The users of these calls who are no more; the others stay until this is written. */
function* listRemoved(skillCalls: RecordCalls["skillCalls"]): Script<ReadonlySet<unknown>> {
  const removed = new Set<unknown>();
  for (const userId of new Set(skillCalls.map((row) => String(row["userId"])))) {
    if ((yield* get(queries.shareUser, { userId })) === undefined) removed.add(userId);
  }
  return removed;
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
