import type { Selectable } from "kysely";
import type { Message } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import type {
  ListMessages,
  ListSessions,
  ReadEvents,
  ReadEventsResult,
  SessionHead,
  StoredConversation,
  StoredEvent,
  TurnSummary,
} from "#domain/session/session-repository.ts";
import { parseSessionId, parseTurnId, type SessionId, type TurnId } from "#domain/shared/id.ts";
import { type PackedEvent, unpackEvents } from "#domain/turn/event-log.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { ListTurns } from "#domain/turn/turn-reader.ts";
import { queries } from "../load-queries.ts";
import { messageFromRow, sessionFromRow, turnFromRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";
import { findTip } from "./branch-scripts.ts";

type SessionRow = Selectable<Schema["session"]>;

/** Sorts after every id. */
const LAST_ID = "~";
const LAST_POSITION = 2_147_483_647;
const MAX_SEGMENTS = 500;

export function* findSession(sessionId: SessionId): Script<Session | undefined> {
  const row = yield* get(queries.findSession, { sessionId });
  return row && sessionFromRow(row);
}

export function* listSessions(input: ListSessions): Script<Session[]> {
  const { userId, limit, before } = input;
  const { updatedAtMs = Number.MAX_SAFE_INTEGER, id: sessionId = LAST_ID } = before ?? {};
  const page = { userId, limit, updatedAtMs, sessionId };
  return (yield* all(queries.listSessions, page)).map(sessionFromRow);
}

export function* listMessages({ sessionId, limit, before }: ListMessages): Script<Message[]> {
  const session = yield* get(queries.findSession, { sessionId });
  if (session === undefined) return [];
  if (before !== undefined) {
    const end = yield* get(queries.findMessage, { sessionId, messageId: before });
    if (end === undefined) return [];
    const last = { turnId: end.turn_id, position: end.position - 1 };
    return yield* listUpTo(session, limit, last);
  }
  const tip = session.is_branched === 1 ? yield* findTip(session) : undefined;
  return yield* listUpTo(session, limit, { turnId: tip ?? LAST_ID, position: LAST_POSITION });
}

/** The latest `limit` messages up to and including turn `turnId`, on its branch, oldest first. */
export function* listHistory(
  sessionId: SessionId,
  turnId: TurnId,
  limit: number,
): Script<Message[]> {
  const session = yield* get(queries.findSession, { sessionId });
  if (session === undefined) return [];
  return yield* listUpTo(session, limit, { turnId, position: LAST_POSITION });
}

export function* findTurn(turnId: TurnId): Script<Turn | undefined> {
  const row = yield* get(queries.findTurn, { turnId });
  return row && turnFromRow(row);
}

export function* listTurnsOfSession(input: ListTurns): Script<Turn[]> {
  const { sessionId, limit, before = LAST_ID } = input;
  const rows = yield* all(queries.listTurnsOfSession, { sessionId, limit, before });
  return rows.map(turnFromRow);
}

export function* listTurnMessages(turn: Pick<Turn, "id" | "sessionId">): Script<Message[]> {
  const { sessionId, id: turnId } = turn;
  const rows = yield* all(queries.listTurnMessages, { sessionId, turnId });
  return rows.map(messageFromRow);
}

export function* listTurns(messages: readonly Pick<Message, "turnId">[]): Script<TurnSummary[]> {
  const turnIds = [...new Set(messages.map(({ turnId }) => turnId))];
  const rows = yield* all(queries.listTurns, { idsJson: JSON.stringify(turnIds) });
  const byId = new Map(rows.map((row) => [row.turn_id, row]));
  return turnIds.flatMap((turnId) => {
    const row = byId.get(turnId);
    return row === undefined ? [] : [toSummary(turnFromRow(row))];
  });
}

export function* readConversation(input: ListMessages): Script<StoredConversation | undefined> {
  const session = yield* findSession(input.sessionId);
  if (session === undefined) return undefined;
  const messages = yield* listMessages(input);
  return { session, messages, turns: yield* listTurns(messages) };
}

export function* listHeads(sessionIds: readonly SessionId[]): Script<SessionHead[]> {
  const rows = yield* all(queries.listHeads, { idsJson: JSON.stringify(sessionIds) });
  return rows.map(
    ({ session_id: id, head_seq: headSeq, head_epoch: headEpoch, run_epoch: run }) => {
      const head = { sessionId: parseSessionId(id), headSeq, headEpoch };
      return run === null ? head : { ...head, runEpoch: run };
    },
  );
}

export function* readEvents(input: ReadEvents): Script<ReadEventsResult> {
  const { sessionId, after, limit } = input;
  const rows = yield* all(queries.listSegmentsFrom, { sessionId, after, limit: MAX_SEGMENTS });
  const [first] = rows;
  if (first === undefined || !isPosition(first, input)) return yield* readAtHead(input);
  const events: StoredEvent[] = [];
  let isLast = rows.length < MAX_SEGMENTS;
  for (const row of rows) {
    if (events.length < limit) events.push(...eventsOf(row, after));
    else isLast = false;
  }
  return {
    kind: "events",
    events: events.slice(0, limit),
    isLast: isLast && events.length <= limit,
  };
}

export function* deleteSession(sessionId: SessionId): Script<"deleted" | "not-found" | "busy"> {
  if ((yield* get(queries.lockSession, { sessionId })) === undefined) return "not-found";
  if ((yield* get(queries.listOpenTurnsOfSession, { sessionId })) !== undefined) return "busy";
  yield* run(queries.deleteSessionApprovals, { sessionId });
  yield* run(queries.deleteSessionTasks, { sessionId });
  yield* run(queries.deleteSessionModelCalls, { sessionId });
  yield* run(queries.deleteSessionCompactions, { sessionId });
  yield* run(queries.deleteSessionPins, { sessionId });
  yield* run(queries.deleteSessionTranscripts, { sessionId });
  yield* run(queries.deleteSessionTurns, { sessionId });
  yield* run(queries.deleteJoinedTurns, { sessionId });
  yield* run(queries.deleteSessionMessages, { sessionId });
  yield* run(queries.deleteSessionEvents, { sessionId });
  yield* run(queries.deleteSession, { sessionId });
  return "deleted";
}

export function* setSessionModel(
  sessionId: SessionId,
  model: string | undefined,
): Script<"set" | "not-found"> {
  const changed = yield* run(queries.setSessionModel, { sessionId, model: model ?? null });
  return changed === 1 ? "set" : "not-found";
}

/** A session that never branched is read from its end, without a look at its turns. */
function* listUpTo(
  { session_id: sessionId, is_branched: isBranched }: SessionRow,
  limit: number,
  last: { readonly turnId: string; readonly position: number },
): Script<Message[]> {
  const query = isBranched === 1 ? queries.listBranchMessages : queries.listMessages;
  const rows = yield* all(query, { sessionId, limit, ...last });
  return rows.map(messageFromRow).toReversed();
}

/**
 * Whether what a client has up to `after` is what is stored, `first` being the segment where that
 * is, or else the first one that is left. A client that last saw an event of run `epoch` has other
 * events than those that another run stored at the same place. That one may have a lower epoch: an
 * instance that is older than the one that died goes on under its own.
 */
function isPosition(first: Schema["event_segment"], { after, epoch }: ReadEvents): boolean {
  if (after === 0) return first.first_seq === 1;
  const isHeld = first.first_seq <= after && first.last_seq >= after;
  return isHeld && (epoch === undefined || first.epoch === epoch);
}

/** What comes after a position whose events are not there: they may have had their time. */
function* readAtHead({ sessionId, after, epoch }: ReadEvents): Script<ReadEventsResult> {
  const { headSeq = 0, headEpoch = 0 } = (yield* findSession(sessionId)) ?? {};
  const isAtHead = after === headSeq && (after === 0 || epoch === undefined || headEpoch === epoch);
  if (isAtHead) return { kind: "events", events: [], isLast: true };
  return { kind: "unknown-position", headSeq, headEpoch };
}

function eventsOf(row: Schema["event_segment"], after: number): StoredEvent[] {
  const turnId = parseTurnId(row.turn_id);
  const packed = JSON.parse(row.events_json) as PackedEvent[];
  return unpackEvents(packed, after).map((event) => ({ ...event, turnId, epoch: row.epoch }));
}

function toSummary({ id, state }: Turn): TurnSummary {
  return { id, state: state.kind, ...(state.kind === "failed" && { failure: state.failure }) };
}
