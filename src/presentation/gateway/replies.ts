import type { AcceptMessageResult } from "#application/ports/accept-message.ts";
import { MAX_PINNED_CHARS, MAX_PINS } from "#domain/compaction/compaction.ts";
import { MAX_NOTES } from "#domain/memory/note.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { ApprovalId, UserId } from "#domain/shared/id.ts";
import type { Scope } from "#domain/user/scope.ts";
import type { UserRole } from "#domain/user/user.ts";
import type { ProblemCode } from "./problem-types.ts";

/** The codes that `error` frames and problem details carry; see docs/protocol.md. */
export type ErrorCode = ProblemCode | "unsubscribed";

export interface Refusal<Code extends ErrorCode = ErrorCode> {
  readonly code: Code;
  readonly message: string;
  readonly retryAfterMs?: number;
}

type Accepted = Extract<AcceptMessageResult, { kind: "accepted" }>;

export const CONFLICT: Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot accept the message: its clientMessageId was used for another text",
};

export const KEY_MISSING: Refusal<"idempotency-key-missing"> = {
  code: "idempotency-key-missing",
  message: "Cannot take the request: expected an Idempotency-Key header",
};

export const KEY_REUSED: Refusal<"idempotency-key-reused"> = {
  code: "idempotency-key-reused",
  message: "Cannot take the request: its Idempotency-Key was used for another one",
};

export const IN_PROGRESS: Refusal<"request-in-progress"> = {
  code: "request-in-progress",
  message: "Cannot answer yet: the first request of this Idempotency-Key is not done",
  retryAfterMs: 1_000,
};

export const LAST_ADMIN: Refusal<"last-admin"> = {
  code: "last-admin",
  message: "Cannot do this to the last administrator: expected another one to be left",
};

export const BUSY: Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot delete the session while a turn runs: cancel the turn first",
};

export const NOTHING_TO_COMPACT: Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot compact the session: there is nothing new before its last turn",
};

export const TOO_MANY_NOTES: Refusal<"conflict"> = {
  code: "conflict",
  message: `Cannot keep more than ${MAX_NOTES} notes: delete some first`,
};

const NOT_PINNED = {
  "not-said": "Cannot pin what a tool returned: expected a message of yours or the agent's",
  "too-many": `Cannot pin more than ${MAX_PINS} messages of a session`,
  "too-large": `Cannot pin more than ${MAX_PINNED_CHARS} characters of a session`,
} as const;

export function cannotPin(why: keyof typeof NOT_PINNED): Refusal<"conflict"> {
  return { code: "conflict", message: NOT_PINNED[why] };
}

export const SCHEDULE_CONFLICT: Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot change the schedule: it has ended, or changed in this moment",
};

export const APPROVAL_MISMATCH: Refusal<"approval-mismatch"> = {
  code: "approval-mismatch",
  message: "Cannot decide: the call is another one than was shown, expected its card's inputHash",
};

export const APPROVAL_PENDING: Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot revoke the approval: nobody has granted it, expected it to be denied",
};

export const BAD_PATTERN = "expected a pattern that holds the call that was asked for";

export const UNAUTHORIZED: Refusal<"unauthorized"> = {
  code: "unauthorized",
  message: "Cannot sign in: the token is wrong or missing",
};

export const UNSUBSCRIBED: Refusal<"unsubscribed"> = {
  code: "unsubscribed",
  message: "Stopped following this session: the socket follows too many, expected at most 64",
};

/** What is another user's looks like none at all. */
export function notFound(what: string): Refusal<"not-found"> {
  return { code: "not-found", message: `Cannot find this ${what}` };
}

export function approvalClosed(state: string): Refusal<"approval-closed"> {
  return { code: "approval-closed", message: `Cannot decide: the approval is ${state} already` };
}

export function insufficientScope(scope: Scope): Refusal<"insufficient-scope"> {
  const message = `Cannot do this by this credential: expected one with the scope "${scope}"`;
  return { code: "insufficient-scope", message };
}

export function insufficientRole(role: UserRole): Refusal<"insufficient-role"> {
  return { code: "insufficient-role", message: `Cannot do this: expected the role "${role}"` };
}

export function rateLimited(what: string, retryAfterMs: number): Refusal<"rate-limited"> {
  const message = `Cannot take more ${what} at the moment: try again in ${retryAfterMs} ms`;
  return { code: "rate-limited", message, retryAfterMs };
}

export function overloaded(retryAfterMs: number): Refusal<"overloaded"> {
  const message = `Cannot take more at the moment: try again in ${retryAfterMs} ms`;
  return { code: "overloaded", message, retryAfterMs };
}

export function misdirected(host: string): Refusal<"misdirected"> {
  const message = `Cannot answer for the host "${host}": expected the server's own address`;
  return { code: "misdirected", message: `${message}; NEXFLOW_PUBLIC_URL sets another` };
}

export function foreignOrigin(origin: string): Refusal<"forbidden"> {
  const message = `Cannot accept a request of origin "${origin}": expected the server's own`;
  return { code: "forbidden", message };
}

/** What people see of an error: never its own text where it is a bug. */
export function refusalOf(error: unknown): Refusal<"internal" | "storage_unavailable"> {
  if (error instanceof Fault && error.code.startsWith("STORE_")) {
    return { code: "storage_unavailable", message: "Cannot reach the storage: try again later" };
  }
  return {
    code: "internal",
    message: "Something went wrong inside Nexflow; the log has details",
  };
}

export function encodeWelcome(userId: UserId): string {
  return JSON.stringify({ type: "welcome", userId });
}

export function encodeAccepted(clientMessageId: string, result: Accepted): string {
  return JSON.stringify({ type: "accepted", clientMessageId, ...acceptedFields(result) });
}

/** The fields of `accepted` that the server knows. */
function acceptedFields({ sessionId, messageId, turnId, seq, duplicate }: Accepted) {
  return { sessionId, messageId, turnId, seq, duplicate };
}

export function encodeDecided(approvalId: ApprovalId, state: string): string {
  return JSON.stringify({ type: "decided", approvalId, state });
}

export function encodeError({ code, message, retryAfterMs }: Refusal, ref?: string): string {
  return JSON.stringify({ type: "error", code, message, retryAfterMs, ref });
}

export function encodePong(id: string | number): string {
  return JSON.stringify({ type: "pong", id });
}

export function encodeGoingAway(reconnectAfterMs: number): string {
  return JSON.stringify({ type: "going-away", reconnectAfterMs });
}
