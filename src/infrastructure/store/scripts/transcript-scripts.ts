import { parseSessionId, parseTurnId } from "#domain/shared/id.ts";
import type { TranscriptKey, TranscriptPlace } from "#domain/transcript/transcript-repository.ts";
import { queries } from "../load-queries.ts";
import { get, run, type Script } from "../script.ts";

export function* findTranscript({
  userId,
  hash,
}: TranscriptKey): Script<TranscriptPlace | undefined> {
  const row = yield* get(queries.findTranscript, { userId, hash });
  return row && { sessionId: parseSessionId(row.session_id), turnId: parseTurnId(row.turn_id) };
}

/** A session that is gone by now leads nowhere. */
export function* saveTranscript(
  { userId, hash }: TranscriptKey,
  { sessionId, turnId }: TranscriptPlace,
): Script<void> {
  if ((yield* get(queries.lockSession, { sessionId })) === undefined) return;
  yield* run(queries.saveTranscript, { userId, hash, sessionId, turnId });
}
