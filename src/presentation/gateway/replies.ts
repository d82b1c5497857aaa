import type { AcceptMessageResult } from "#application/accept-message/accept-message.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { UserId } from "#domain/shared/id.ts";

/** The codes that `error` frames and problem details carry; see docs/protocol.md. */
export type ErrorCode =
  | "bad-frame"
  | "conflict"
  | "forbidden"
  | "internal"
  | "method-not-allowed"
  | "misdirected"
  | "not-found"
  | "overloaded"
  | "rate-limited"
  | "storage_unavailable"
  | "too-large"
  | "unauthorized"
  | "unsubscribed";

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

export const BUSY: Refusal<"conflict"> = {
  code: "conflict",
  message: "Cannot delete the session while a turn runs: cancel the turn first",
};

export const UNAUTHORIZED: Refusal<"unauthorized"> = {
  code: "unauthorized",
  message: "Cannot sign in: the token is wrong or missing",
};

export const UNSUBSCRIBED: Refusal<"unsubscribed"> = {
  code: "unsubscribed",
  message: "Stopped following this session: the socket follows too many, expected at most 64",
};

/** Another user's session or turn looks like none at all. */
export function notFound(what: "session" | "turn"): Refusal<"not-found"> {
  return { code: "not-found", message: `Cannot find this ${what}` };
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
export function acceptedFields({ sessionId, messageId, turnId, seq, duplicate }: Accepted) {
  return { sessionId, messageId, turnId, seq, duplicate };
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
