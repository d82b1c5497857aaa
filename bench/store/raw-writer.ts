import type { AcceptTurn } from "#domain/turn/turn-log.ts";

/** A database driver without Nexflow: writes the rows that accepts write, and asks nothing. */
export interface RawWriter {
  /** Batches that are written side by side. */
  readonly lanes: number;
  /** Stores the rows of all inputs in one transaction. */
  write(inputs: readonly AcceptTurn[]): Promise<void> | void;
  /** Has every turn end: the next block begins with idle sessions. */
  endTurns(): Promise<void> | void;
  close(): Promise<void> | void;
}

/** The values of an accept's rows. */
export interface RawRow {
  readonly sessionId: string;
  readonly turnId: string;
  readonly messageId: string;
  readonly userId: string;
  readonly clientMessageId: string;
  readonly title: string;
  readonly partsJson: string;
  readonly instanceId: string;
  readonly epoch: number;
  readonly nowMs: number;
  readonly state: "running" | "queued";
}

/** Of one session one turn runs, the others wait, as Nexflow has it. */
export function createToRow(begun: Set<string>): (input: AcceptTurn) => RawRow {
  return ({ session, turnId, messageId, userId, clientMessageId, text, owner, nowMs }) => {
    const isBegun = !begun.has(session.id);
    if (isBegun && !session.isNew) begun.add(session.id);
    return {
      sessionId: session.id,
      turnId,
      messageId,
      userId,
      clientMessageId,
      title: text,
      partsJson: JSON.stringify([{ kind: "text", text }]),
      instanceId: owner.instanceId,
      epoch: owner.epoch,
      nowMs,
      state: isBegun ? "running" : "queued",
    };
  };
}

export const INSERT_SESSION = `INSERT INTO session
  (session_id, user_id, title, created_at_ms, updated_at_ms, head_seq, head_epoch)`;
export const INSERT_MESSAGE = `INSERT INTO message
  (session_id, turn_id, position, message_id, role, parts_json, is_complete, created_at_ms)`;
export const INSERT_TURN = `INSERT INTO turn
  (turn_id, session_id, user_id, user_message_id, client_message_id, accepted_seq, state,
   attempts, epoch, created_at_ms, started_at_ms, instance_id)`;
export const END_TURNS = "UPDATE turn SET state = 'completed' WHERE state IN ('queued', 'running')";
