import type { SessionId } from "#domain/shared/id.ts";

/**
 * Tells whoever can run it that a turn of the session waits for a run again, since the last of its
 * approvals was decided or somebody cancelled it. Nobody relies on hearing it, but on an instance
 * that is alone the turn waits for the next one of its session otherwise.
 */
export type TurnQueued = (sessionId: SessionId) => void;
