import type { Brand } from "./brand.ts";

export type UserId = Brand<string, "UserId">;
export type SessionId = Brand<string, "SessionId">;
export type TurnId = Brand<string, "TurnId">;
export type MessageId = Brand<string, "MessageId">;
export type ToolCallId = Brand<string, "ToolCallId">;
export type InstanceId = Brand<string, "InstanceId">;
export type TaskId = Brand<string, "TaskId">;
export type ScheduleId = Brand<string, "ScheduleId">;
export type CredentialId = Brand<string, "CredentialId">;
export type ApprovalId = Brand<string, "ApprovalId">;
export type ModelCallId = Brand<string, "ModelCallId">;
export type NoteId = Brand<string, "NoteId">;
export type CompactionId = Brand<string, "CompactionId">;

const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/u;

/*
 * One parser for each kind of id. Each throws `RangeError` where `raw` has not the form of an id.
 */
export const parseUserId = (raw: string) => parseId(raw, "user") as UserId;
export const parseSessionId = (raw: string) => parseId(raw, "session") as SessionId;
export const parseTurnId = (raw: string) => parseId(raw, "turn") as TurnId;
export const parseMessageId = (raw: string) => parseId(raw, "message") as MessageId;
export const parseToolCallId = (raw: string) => parseId(raw, "tool call") as ToolCallId;
export const parseInstanceId = (raw: string) => parseId(raw, "instance") as InstanceId;
export const parseTaskId = (raw: string) => parseId(raw, "task") as TaskId;
export const parseScheduleId = (raw: string) => parseId(raw, "schedule") as ScheduleId;
export const parseCredentialId = (raw: string) => parseId(raw, "credential") as CredentialId;
export const parseApprovalId = (raw: string) => parseId(raw, "approval") as ApprovalId;
export const parseModelCallId = (raw: string) => parseId(raw, "model call") as ModelCallId;
export const parseNoteId = (raw: string) => parseId(raw, "note") as NoteId;
export const parseCompactionId = (raw: string) => parseId(raw, "compaction") as CompactionId;

function parseId(raw: string, what: string): string {
  if (ID.test(raw)) return raw;
  throw new RangeError(
    `Cannot parse ${what} id "${raw.slice(0, 80)}": expected 1 to 64 letters, digits, "-" or "_"`,
  );
}
