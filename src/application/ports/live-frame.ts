import type { SessionId, TurnId } from "#domain/shared/id.ts";

/** An event as its followers get it. */
export interface LiveFrame {
  readonly seq: number;
  readonly frame: string;
}

/** What a running turn shows, in order and without a gap. */
export interface ShownFrames {
  readonly sessionId: SessionId;
  readonly turnId: TurnId;
  readonly epoch: number;
  readonly frames: readonly LiveFrame[];
}
