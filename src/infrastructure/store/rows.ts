import type { Message, MessagePart } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import { parseMessageId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { isFinalTask, NO_USAGE, type Task } from "#domain/task/task.ts";
import type { FinalTurnState, Turn, TurnState } from "#domain/turn/turn.ts";
import type { User, UserRole } from "#domain/user/user.ts";
import type { QueryArgs } from "./query.ts";
import type { Schema } from "./schema.ts";

/* Rows to entities and back: the only place that knows both. What is read was written by us. */

export function userFromRow(row: Schema["user"]): User {
  return {
    id: parseUserId(row.user_id),
    name: row.name,
    role: row.role as UserRole,
    createdAtMs: row.created_at_ms,
  };
}

export function sessionFromRow(row: Schema["session"]): Session {
  return {
    id: parseSessionId(row.session_id),
    userId: parseUserId(row.user_id),
    title: row.title,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    headSeq: row.head_seq,
    headEpoch: row.head_epoch,
  };
}

export function messageFromRow(row: Schema["message"]): Message {
  return {
    id: parseMessageId(row.message_id),
    sessionId: parseSessionId(row.session_id),
    turnId: parseTurnId(row.turn_id),
    role: row.role as Message["role"],
    parts: JSON.parse(row.parts_json) as MessagePart[],
    isComplete: row.is_complete === 1,
    createdAtMs: row.created_at_ms,
  };
}

export function messageToArgs(message: Message, position: number): QueryArgs {
  return {
    sessionId: message.sessionId,
    turnId: message.turnId,
    position,
    messageId: message.id,
    role: message.role,
    partsJson: JSON.stringify(message.parts),
    isComplete: message.isComplete ? 1 : 0,
    createdAtMs: message.createdAtMs,
  };
}

export function turnFromRow(row: Schema["turn"]): Turn {
  return {
    id: parseTurnId(row.turn_id),
    sessionId: parseSessionId(row.session_id),
    userId: parseUserId(row.user_id),
    userMessageId: parseMessageId(row.user_message_id),
    state: turnStateFromRow(row),
    attempts: row.attempts,
    epoch: row.epoch,
    createdAtMs: row.created_at_ms,
  };
}

export function turnStateToArgs(state: FinalTurnState): QueryArgs {
  const failure = state.kind === "failed" ? state.failure : undefined;
  return {
    state: state.kind,
    endedAtMs: state.endedAtMs,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
  };
}

export function taskToArgs(task: Task): QueryArgs {
  const { state, origin } = task;
  const ended = isFinalTask(state) ? state : undefined;
  const failure = ended !== undefined && "failure" in ended ? ended.failure : undefined;
  const usage = ended?.usage ?? NO_USAGE;
  return {
    turnId: origin.kind === "turn" ? origin.turnId : "",
    taskId: task.id,
    toolCallId: origin.kind === "turn" ? origin.toolCallId : "",
    skill: task.skill,
    tool: task.tool,
    skillDigest: task.skillDigest,
    policyHash: task.policyHash,
    inputJson: JSON.stringify(task.input),
    state: state.kind,
    outputJson: state.kind === "completed" ? JSON.stringify(state.output) : null,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
    ...usage,
    createdAtMs: task.createdAtMs,
    endedAtMs: ended?.endedAtMs ?? null,
  };
}

function turnStateFromRow(row: Schema["turn"]): TurnState {
  const kind = row.state as TurnState["kind"];
  const endedAtMs = row.ended_at_ms ?? 0;
  switch (kind) {
    case "queued":
      return { kind };
    case "running":
      return { kind, startedAtMs: row.started_at_ms ?? 0 };
    case "completed":
    case "cancelled":
      return { kind, endedAtMs };
    case "failed":
      return {
        kind,
        endedAtMs,
        failure: { code: row.failure_code ?? "", message: row.failure_message ?? "" },
      };
    default:
      return kind satisfies never;
  }
}
