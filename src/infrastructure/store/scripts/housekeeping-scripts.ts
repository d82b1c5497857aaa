import type {
  DeleteOldFirings,
  DeleteOldSpend,
  DeleteOldSpendResult,
  TrimEvents,
  TrimEventsResult,
} from "#application/ports/housekeeping.ts";
import { queries } from "../load-queries.ts";
import { all, run, type Script } from "../script.ts";

const SESSIONS_AT_ONCE = 100;
const SEGMENTS_AT_ONCE = 500;
const USERS_AT_ONCE = 100;
/** Stands for all users together, and comes before the first. */
const ALL_USERS = "";

export function* trimEvents(input: TrimEvents): Script<TrimEventsResult> {
  const { restedSinceMs, keepEvents, after } = input;
  const found = { restedSinceMs, keepEvents, after, limit: SESSIONS_AT_ONCE };
  const sessions = yield* all(queries.listLongSessions, found);
  let deleted = 0;
  let done = after;
  for (const { session_id: sessionId, head_seq: headSeq, updated_at_ms: updatedAtMs } of sessions) {
    const upTo = updatedAtMs < restedSinceMs ? headSeq : headSeq - keepEvents;
    const limit = SEGMENTS_AT_ONCE - deleted;
    const count = yield* run(queries.deleteSegments, { sessionId, upTo, limit });
    deleted += count;
    // There may be more of this one: the next call goes on with it.
    if (count === limit) return { deleted, next: done };
    done = sessionId;
  }
  return { deleted, next: sessions.length < SESSIONS_AT_ONCE ? undefined : done };
}

export function* deleteOldFirings({ beforeMs, limit }: DeleteOldFirings): Script<number> {
  const old = yield* all(queries.listOldFirings, { beforeMs, limit });
  for (const { schedule_id: scheduleId, due_at_ms: dueAtMs, task_id: taskId } of old) {
    if (taskId !== null) yield* run(queries.deleteFiringTask, { taskId });
    yield* run(queries.deleteFiring, { scheduleId, dueAtMs });
  }
  return old.length;
}

export function* deleteOldSpend(input: DeleteOldSpend): Script<DeleteOldSpendResult> {
  const { beforeDay, after } = input;
  const users = yield* all(queries.listUsers, { after, limit: USERS_AT_ONCE });
  const userIds = users.map(({ user_id: userId }) => userId);
  let deleted = 0;
  for (const userId of after === ALL_USERS ? [ALL_USERS, ...userIds] : userIds) {
    deleted += yield* run(queries.deleteOldSpend, { userId, beforeDay });
  }
  return { deleted, next: users.length < USERS_AT_ONCE ? undefined : userIds.at(-1) };
}
