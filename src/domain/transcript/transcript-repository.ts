import type { SessionId, TurnId, UserId } from "../shared/id.ts";

/**
 * Where conversations that programs keep themselves are found again. Rejects with `Fault`
 * `STORE_UNAVAILABLE` where the store cannot be used.
 */
export interface TranscriptRepository {
  /** The session in which this was said, and the turn it ended with. */
  find(key: TranscriptKey): Promise<TranscriptPlace | undefined>;
  /** The same transcript again leads to the place that was remembered last. */
  remember(key: TranscriptKey, place: TranscriptPlace): Promise<void>;
}

export interface TranscriptKey {
  readonly userId: UserId;
  /** sha256 in hex of the canonical transcript. */
  readonly hash: string;
}

export interface TranscriptPlace {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
}
