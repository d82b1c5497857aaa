import {
  parseApprovalId,
  parseCompactionId,
  parseCredentialId,
  parseMessageId,
  parseNoteId,
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import { PROBLEM_TYPES, type ProblemCode } from "./problem-types.ts";

/** What may stand in `{}` in the path of a route, and what an answer calls it. */
export const PATH_PARAMS = {
  sessionId: { what: "session", parse: parseSessionId },
  turnId: { what: "turn", parse: parseTurnId },
  approvalId: { what: "approval", parse: parseApprovalId },
  messageId: { what: "message", parse: parseMessageId },
  compactionId: { what: "compaction", parse: parseCompactionId },
  noteId: { what: "note", parse: parseNoteId },
  taskId: { what: "task", parse: parseTaskId },
  scheduleId: { what: "schedule", parse: parseScheduleId },
  userId: { what: "user", parse: parseUserId },
  tokenId: { what: "token", parse: parseCredentialId },
  code: { what: "problem", parse: parseCode },
  responseId: { what: "response", parse: parseResponseId },
  modelName: { what: "model", parse: parseName },
  provider: { what: "model", parse: parseName },
} as const;

export type PathParam = keyof typeof PATH_PARAMS;

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

/** The parsed parameters of a path such as `/sessions/{sessionId}`. */
export type ParamsOf<Path extends string> = {
  readonly [Name in NamesIn<Path> & PathParam]: ReturnType<(typeof PATH_PARAMS)[Name]["parse"]>;
};

/** The names in a path. Throws `RangeError` where one of them is unknown. */
export function namesIn(path: string): readonly PathParam[] {
  return Array.from(path.matchAll(/\{(?<name>[^}]*)\}/gu), ({ groups }) => {
    const name = groups?.["name"] ?? "";
    if (isPathParam(name)) return name;
    throw new RangeError(`Cannot use the path "${path}": parameter "${name}" is unknown`);
  });
}

function isPathParam(name: string): name is PathParam {
  return Object.hasOwn(PATH_PARAMS, name);
}

function parseCode(raw: string): ProblemCode {
  if (Object.hasOwn(PROBLEM_TYPES, raw)) return raw as ProblemCode;
  throw new RangeError(`Cannot parse problem code "${raw.slice(0, 80)}": expected a known one`);
}

/** A response of OpenAI's API is a turn. */
function parseResponseId(raw: string) {
  if (raw.startsWith("resp_")) return parseTurnId(raw.slice("resp_".length));
  throw new RangeError(`Cannot parse response id "${raw.slice(0, 80)}": expected "resp_…"`);
}

/** A name as it stands in an address, where "/" is "%2F". */
function parseName(raw: string): string {
  const name = decodeURIComponent(raw);
  if (name.length > 0 && name.length <= 200) return name;
  throw new RangeError("Cannot parse a name: expected 1 to 200 characters");
}
