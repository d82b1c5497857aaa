import type {
  BeginKeyResult,
  KeyedAnswer,
  KeyedRequest,
} from "#application/ports/idempotency-keys.ts";
import { queries } from "../load-queries.ts";
import { get, run, type Script } from "../script.ts";

const KEPT_MS = 2 * 24 * 60 * 60 * 1_000;
/** A request that holds its key for longer has died. */
const HELD_MS = 60_000;

export interface BeginKey extends KeyedRequest {
  /** For a request that is new. */
  readonly workId: string;
  readonly nowMs: number;
}

export function* beginKey(input: BeginKey): Script<BeginKeyResult> {
  const { userId, keyHash, fingerprint, workId, nowMs } = input;
  yield* run(queries.deleteOldKeys, { beforeMs: nowMs - KEPT_MS });
  const isNew = yield* run(queries.insertKey, { userId, keyHash, fingerprint, workId, nowMs });
  if (isNew === 1) return { kind: "begun", work: { id: workId, begunAtMs: nowMs } };
  const row = yield* get(queries.lockKey, { userId, keyHash });
  // Given back in this very moment: the client tries again in a second.
  if (row === undefined) return { kind: "in-progress" };
  if (row.fingerprint !== fingerprint) return { kind: "other-request" };
  if (row.status !== null) {
    return { kind: "finished", answer: { status: row.status, body: row.body ?? "" } };
  }
  if (nowMs - row.held_at_ms < HELD_MS) return { kind: "in-progress" };
  yield* run(queries.holdKey, { userId, keyHash, nowMs });
  return { kind: "begun", work: { id: row.work_id, begunAtMs: row.begun_at_ms } };
}

export function* finishKey(
  { userId, keyHash }: KeyedRequest,
  { status, body }: KeyedAnswer,
): Script<void> {
  yield* run(queries.finishKey, { userId, keyHash, status, body });
}

export function* releaseKey({ userId, keyHash }: KeyedRequest): Script<void> {
  yield* run(queries.deleteKey, { userId, keyHash });
}
