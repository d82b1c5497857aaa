import type { Selectable } from "kysely";
import { titleFrom } from "#domain/session/session.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseTurnId, type SessionId, type TurnId } from "#domain/shared/id.ts";
import { packEvents } from "#domain/turn/event-log.ts";
import { recoverTurn, type Turn } from "#domain/turn/turn.ts";
import type {
  AcceptResult,
  AcceptTurn,
  ClaimedTurn,
  ClaimTurns,
  RecoveredTurn,
  RecoverResult,
  RecoverTurns,
  SaveTurn,
} from "#domain/turn/turn-log.ts";
import { queries } from "../load-queries.ts";
import {
  claimedFromRow,
  messageToArgs,
  turnFromRow,
  turnStateToArgs,
  userPartsJson,
} from "../rows.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";
import { taskToArgs } from "../task-rows.ts";
import { nextEpoch } from "./instance-scripts.ts";

type TurnRow = Selectable<Schema["turn"]>;

/** Turns that one recovery takes at most; the next one takes the rest. */
const RECOVERED_MOST = 500;

export function* accept(input: AcceptTurn): Script<AcceptResult> {
  const { userId, clientMessageId, turnId, messageId, session, text, owner, nowMs } = input;
  const sessionId = session.id;
  const joined = yield* joinSession(input);
  if (joined.kind !== "open") return (yield* acceptAgain(input)) ?? joined;

  const { headSeq: acceptedSeq, isIdle } = joined;
  const isFirst = yield* run(queries.insertTurn, {
    turnId,
    sessionId,
    userId,
    messageId,
    clientMessageId,
    acceptedSeq,
    ...(isIdle
      ? { ...owner, state: "running", attempts: 1, startedAtMs: nowMs }
      : { instanceId: null, epoch: 0, state: "queued", attempts: 0, startedAtMs: null }),
    nowMs,
  });
  if (isFirst === 0) return (yield* acceptAgain(input)) ?? { kind: "conflict" };
  if (session.isNew) {
    yield* run(queries.insertSession, { sessionId, userId, title: titleFrom(text), nowMs });
  }
  yield* run(queries.insertMessage, {
    sessionId,
    turnId,
    position: 0,
    messageId,
    role: "user",
    partsJson: userPartsJson(text),
    isComplete: 1,
    createdAtMs: nowMs,
  });
  const stored = { sessionId, messageId, turnId, seq: acceptedSeq };
  return { kind: "accepted", ...stored, duplicate: false, isBegun: isIdle };
}

export function* claim(input: ClaimTurns): Script<ClaimedTurn[]> {
  const { owner, limit, sessionId, nowMs } = input;
  const rows =
    sessionId === undefined
      ? yield* all(queries.findClaimable, { limit })
      : yield* all(queries.findClaimableOfSession, { limit: 1, sessionId });
  for (const row of rows) {
    yield* run(queries.beginTurn, { ...owner, turnId: row.turn_id, nowMs });
  }
  return rows.map(claimedFromRow);
}

export function* save(input: SaveTurn): Script<void> {
  const { turnId, epoch, end } = input;
  const isOwned =
    end === undefined
      ? (yield* get(queries.findOwnedTurn, { turnId, epoch })) !== undefined
      : (yield* run(queries.endTurn, { turnId, epoch, ...turnStateToArgs(end) })) === 1;
  if (!isOwned) throw fenced(turnId);
  for (const { message, position } of input.messages) {
    yield* run(queries.insertMessage, messageToArgs(message, position));
  }
  for (const task of input.tasks) yield* run(queries.insertTask, taskToArgs(task));
  yield* appendEvents(input);
}

export function* recover({ instanceId, turnIds, nowMs }: RecoverTurns): Script<RecoverResult> {
  const over: RecoveredTurn[] = [];
  const queued: RecoveredTurn[] = [];
  const rows: TurnRow[] = [];
  if (turnIds === undefined) {
    rows.push(...(yield* all(queries.findOrphans, { limit: RECOVERED_MOST })));
  }
  for (const turnId of turnIds ?? []) {
    const row = yield* get(queries.findRunningOf, { turnId, instanceId });
    if (row !== undefined) rows.push(row);
    else {
      const known = yield* get(queries.findTurn, { turnId });
      if (known !== undefined) over.push(yield* toRecovered(turnFromRow(known)));
    }
  }
  // Whoever asks for turns of its own begins them anew: never under the number of the dead run.
  if (rows.length === 0 && turnIds === undefined) return { epoch: undefined, queued, over };
  const epoch = yield* nextEpoch();
  for (const row of rows) {
    const turn = recoverTurn(turnFromRow(row), nowMs);
    yield* giveBack(turn, epoch, nowMs);
    const recovered = yield* toRecovered(turn);
    if (turn.state.kind === "queued") queued.push(recovered);
    else over.push(recovered);
  }
  return { epoch, queued, over };
}

export function* cancelTurn(turnId: TurnId): Script<void> {
  yield* run(queries.cancelTurn, { turnId });
}

type JoinedSession =
  | { readonly kind: "open"; readonly headSeq: number; readonly isIdle: boolean }
  | Extract<AcceptResult, { kind: "not-found" | "outdated-id" }>;

/** The head of the session's log, and whether no turn of it is unfinished. */
function* joinSession({ session, userId, turnId }: AcceptTurn): Script<JoinedSession> {
  if (session.isNew) return { kind: "open", headSeq: 0, isIdle: true };
  const row = yield* get(queries.findSessionToJoin, { sessionId: session.id });
  if (row?.user_id !== userId) return { kind: "not-found" };
  const { head_seq: headSeq, last_turn_id: last, open_turn_id: open } = row;
  if (last !== null && last >= turnId) {
    return { kind: "outdated-id", lastTurnId: parseTurnId(last) };
  }
  return { kind: "open", headSeq, isIdle: open === null };
}

/** The answer that this message got the first time, if it was here before. */
function* acceptAgain(input: AcceptTurn): Script<AcceptResult | undefined> {
  const { userId, clientMessageId, session, text } = input;
  const earlier = yield* get(queries.findTurnByClientMessage, { userId, clientMessageId });
  if (earlier === undefined) return undefined;
  const turn = turnFromRow(earlier);
  if (!session.isNew && session.id !== turn.sessionId) return { kind: "conflict" };
  const { sessionId, userMessageId: messageId } = turn;
  const message = yield* get(queries.findMessage, { sessionId, messageId });
  if (message?.parts_json !== userPartsJson(text)) return { kind: "conflict" };
  const stored = { sessionId, messageId, turnId: turn.id, seq: earlier.accepted_seq };
  // The same call once more: it was made, and its answer was lost.
  const isOwn = turn.id === input.turnId;
  const { instanceId, epoch } = input.owner;
  const isRunning = earlier.state === "running" && earlier.instance_id === instanceId;
  const isBegun = isOwn && isRunning && earlier.epoch === epoch;
  return { kind: "accepted", ...stored, duplicate: !isOwn, isBegun };
}

/** Writes down what became of a turn whose run died. */
function* giveBack(
  { id: turnId, sessionId, epoch: lostEpoch, state }: Turn,
  epoch: number,
  nowMs: number,
): Script<void> {
  yield* run(queries.interruptTasks, { turnId, nowMs });
  if (state.kind !== "failed") {
    yield* run(queries.requeueTurn, { turnId });
    return;
  }
  yield* run(queries.endTurn, { turnId, epoch: lostEpoch, ...turnStateToArgs(state) });
  const seq = (yield* headOf(sessionId)) + 1;
  const event = { kind: "turn-failed", failure: state.failure } as const;
  yield* appendEvents({ turnId, sessionId, epoch, events: [{ seq, event }], nowMs });
}

function* toRecovered({ id: turnId, sessionId }: Turn): Script<RecoveredTurn> {
  return { turnId, sessionId, headSeq: yield* headOf(sessionId) };
}

function* headOf(sessionId: SessionId): Script<number> {
  return (yield* get(queries.findSession, { sessionId }))?.head_seq ?? 0;
}

function* appendEvents(
  input: Pick<SaveTurn, "turnId" | "sessionId" | "epoch" | "events" | "nowMs">,
): Script<void> {
  const { turnId, sessionId, epoch, events, nowMs } = input;
  const first = events[0];
  const last = events.at(-1);
  if (first === undefined || last === undefined) return;
  const head = { sessionId, epoch, headSeq: first.seq - 1, lastSeq: last.seq, nowMs };
  if ((yield* run(queries.moveSessionHead, head)) === 0) throw fenced(turnId);
  yield* run(queries.insertSegment, {
    sessionId,
    firstSeq: first.seq,
    lastSeq: last.seq,
    epoch,
    turnId,
    eventsJson: JSON.stringify(packEvents(events)),
  });
}

/** What a run hears that writes to a turn which is not its own any more. */
export function fenced(turnId: TurnId): Fault {
  return new Fault("TURN_FENCED", `Cannot write turn "${turnId}": this run no longer owns it`);
}
