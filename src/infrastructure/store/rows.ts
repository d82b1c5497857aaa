import type { Selectable } from "kysely";
import type { ImagePart, Message, MessagePart } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import type { SessionTaint } from "#domain/session/session-taint.ts";
import {
  parseCredentialId,
  parseMessageId,
  parseSessionId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { FinalTurnState, Turn, TurnState } from "#domain/turn/turn.ts";
import type { AcceptTurn, ClaimedTurn, QueuedTurn, SessionNow } from "#domain/turn/turn-log.ts";
import type { Credential, Principal } from "#domain/user/credential.ts";
import { parseScopes } from "#domain/user/scope.ts";
import type { User, UserRole } from "#domain/user/user.ts";
import type { QueryArgs } from "./query.ts";
import type { Schema } from "./schema.ts";

type SessionRow = Selectable<Schema["session"]>;
type TurnRow = Selectable<Schema["turn"]>;

/* Rows to entities and back: the only place that knows both. What is read was written by us. */

export function userFromRow(row: Schema["user"]): User {
  return {
    id: parseUserId(row.user_id),
    name: row.name,
    role: row.role as UserRole,
    createdAtMs: row.created_at_ms,
  };
}

export function credentialFromRow(row: Schema["credential"]): Credential {
  return {
    id: parseCredentialId(row.credential_id),
    kind: row.kind as Credential["kind"],
    userId: parseUserId(row.user_id),
    label: row.label,
    scopes: parseScopes(row.scopes),
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms ?? undefined,
    lastUsedAtMs: row.last_used_at_ms ?? undefined,
  };
}

export function principalFromRow(
  row: Schema["user"] & Pick<Schema["credential"], "credential_id" | "expires_at_ms" | "scopes">,
): Principal {
  return {
    user: userFromRow(row),
    credentialId: parseCredentialId(row.credential_id),
    scopes: parseScopes(row.scopes),
    expiresAtMs: row.expires_at_ms ?? undefined,
  };
}

export function sessionFromRow(row: SessionRow): Session {
  const { model } = row;
  return {
    id: parseSessionId(row.session_id),
    userId: parseUserId(row.user_id),
    title: row.title,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    headSeq: row.head_seq,
    headEpoch: row.head_epoch,
    ...(model !== null && { model }),
    taint: taintFromRow(row),
    spend: {
      steps: row.steps,
      tokens: row.tokens,
      costNanoUsd: row.cost_nano_usd,
      wallMs: row.wall_ms,
    },
  };
}

/** What a run has to know from the start, where there is anything. */
export function sessionNowFromRow(
  row: TaintRow & { readonly model: string | null },
): SessionNow | undefined {
  const { model } = row;
  const taint = taintFromRow(row);
  const isTainted = Object.keys(taint).length > 0;
  if (model === null && !isTainted) return undefined;
  return { ...(model !== null && { model }), ...(isTainted && { taint }) };
}

function taintFromRow(row: TaintRow): SessionTaint {
  const { untrusted_from: untrusted, private_from: from } = row;
  return { ...(untrusted !== null && { untrusted }), ...(from !== null && { private: from }) };
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

export function turnFromRow(row: TurnRow): Turn {
  const { parent_turn_id: parent, joined_turn_id: joined } = row;
  return {
    id: parseTurnId(row.turn_id),
    sessionId: parseSessionId(row.session_id),
    userId: parseUserId(row.user_id),
    userMessageId: parseMessageId(row.user_message_id),
    state: turnStateFromRow(row),
    attempts: row.attempts,
    pauses: row.pauses,
    epoch: row.epoch,
    isCancelled: row.is_cancelled === 1,
    createdAtMs: row.created_at_ms,
    ...(parent !== null && { parentTurnId: parent === "" ? null : parseTurnId(parent) }),
    ...(joined !== null && { joinedTurnId: parseTurnId(joined) }),
  };
}

type TaintRow = Pick<SessionRow, "untrusted_from" | "private_from">;
type QueuedRow = TurnRow &
  TaintRow & {
    readonly head_seq: number;
    readonly session_model: string | null;
    readonly context_version: number;
    readonly user_context_version: number | null;
    readonly parts_json: string;
  };

/** A turn that was just claimed, its row as it was before. */
export function claimedFromRow(row: QueuedRow): ClaimedTurn {
  const { ran_ms: ranMs } = row;
  const isCancelled = row.is_cancelled === 1;
  return { ...queuedFromRow(row), isCancelled, ...(ranMs > 0 && { ranMs }) };
}

export function queuedFromRow(row: QueuedRow): QueuedTurn {
  const [part, ...images] = JSON.parse(row.parts_json) as MessagePart[];
  const session = sessionNowFromRow({ ...row, model: row.model ?? row.session_model });
  return {
    turnId: parseTurnId(row.turn_id),
    sessionId: parseSessionId(row.session_id),
    userId: parseUserId(row.user_id),
    messageId: parseMessageId(row.user_message_id),
    text: part?.kind === "text" ? part.text : "",
    acceptedAtMs: row.created_at_ms,
    attempt: row.attempts + 1,
    headSeq: row.head_seq,
    contextVersion: { session: row.context_version, user: row.user_context_version ?? 0 },
    ...(session !== undefined && { session }),
    ...(images.length > 0 && { hasImages: true }),
    ...(row.parent_turn_id !== null && { isBranched: true }),
  };
}

/** Postgres takes no U+0000 and no half of a surrogate pair, which others' messages may hold. */
export function toStoredText(text: string | undefined): string | null {
  return text?.replaceAll("\0", "").toWellFormed() ?? null;
}

type UserMessage = Pick<AcceptTurn, "text" | "images">;

/** The parts of a user's message, as they are stored and compared. */
export function userPartsJson({ text, images = [] }: UserMessage): string {
  const pictures = images.map(({ mediaType, data }): ImagePart => {
    return { kind: "image", mediaType, data };
  });
  return JSON.stringify([{ kind: "text", text }, ...pictures]);
}

export function turnStateToArgs(state: FinalTurnState): QueryArgs {
  const failure = state.kind === "failed" ? state.failure : undefined;
  return {
    state: state.kind,
    endedAtMs: state.endedAtMs,
    failureCode: failure?.code ?? null,
    failureMessage: toStoredText(failure?.message),
  };
}

function turnStateFromRow(row: TurnRow): TurnState {
  const kind = row.state as TurnState["kind"];
  const endedAtMs = row.ended_at_ms ?? 0;
  switch (kind) {
    case "queued":
      return { kind };
    case "running":
      return { kind, startedAtMs: row.started_at_ms ?? 0 };
    case "waiting":
      return { kind, sinceMs: row.waiting_since_ms ?? 0 };
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
