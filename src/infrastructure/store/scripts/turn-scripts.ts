import type { Selectable } from "kysely";
import type { Approval } from "#domain/approval/approval.ts";
import { titleFrom } from "#domain/session/session.ts";
import { Fault } from "#domain/shared/fault.ts";
import {
  parseTurnId,
  parseUserId,
  type SessionId,
  type TurnId,
  type UserId,
} from "#domain/shared/id.ts";
import { addSpend, dayOf, NO_SPEND, type Spend } from "#domain/spend/budget.ts";
import { packEvents } from "#domain/turn/event-log.ts";
import { recoverTurn, type Turn, UNSAVED_TIME_MOST_MS } from "#domain/turn/turn.ts";
import type { RunningTurn, TurnControlsNow } from "#domain/turn/turn-controls.ts";
import type {
  AcceptResult,
  AcceptTurn,
  ClaimedTurn,
  ClaimTurns,
  ImportTurn,
  QueuedTurn,
  RecoveredTurn,
  RecoverResult,
  RecoverTurns,
  SaveTurn,
} from "#domain/turn/turn-log.ts";
import { queries } from "../load-queries.ts";
import type { QueryArgs } from "../query.ts";
import {
  claimedFromRow,
  messageToArgs,
  queuedFromRow,
  sessionNowFromRow,
  turnFromRow,
  turnStateToArgs,
  userPartsJson,
} from "../rows.ts";
import type { Schema } from "../schema.ts";
import { all, get, run, type Script } from "../script.ts";
import { taskToArgs } from "../task-rows.ts";
import { readUserContextVersion } from "./agent-scripts.ts";
import { addApproval, enqueueExpiries } from "./approval-scripts.ts";
import { interruptBackground, listBackgroundOf } from "./background-scripts.ts";
import { fenced } from "./fenced.ts";
import { nextEpoch } from "./instance-scripts.ts";
import { addToDays, growthOf, putModelCalls } from "./spend-scripts.ts";

type TurnRow = Selectable<Schema["turn"]>;
type SessionRow = Pick<
  Selectable<Schema["session"]>,
  "model" | "untrusted_from" | "private_from" | "context_version"
>;

const NEW_SESSION: SessionRow = {
  model: null,
  untrusted_from: null,
  private_from: null,
  context_version: 0,
};

/** What counts as spent of a run that died, besides what it has saved. */
const LOST: Spend = { ...NO_SPEND, wallMs: UNSAVED_TIME_MOST_MS };

/** Turns that one recovery takes at most; the next one takes the rest. */
const RECOVERED_MOST = 500;

export function* accept(input: AcceptTurn): Script<AcceptResult> {
  const { userId, clientMessageId, turnId, messageId, session, text, owner, nowMs } = input;
  const sessionId = session.id;
  const joined = yield* joinSession(input);
  if (joined.kind !== "open") return (yield* acceptAgain(input)) ?? joined;

  const { headSeq: acceptedSeq, isIdle, parentTurnId } = joined;
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
    model: input.model ?? null,
    mode: input.mode ?? "queue",
    parentTurnId,
    nowMs,
  });
  if (isFirst === 0) return (yield* acceptAgain(input)) ?? { kind: "conflict" };
  if (session.isNew) {
    yield* run(queries.insertSession, { sessionId, userId, title: titleFrom(text), nowMs });
  }
  const isBranched = parentTurnId !== null;
  if (isBranched) yield* run(queries.branchSession, { sessionId });
  else if (joined.wasLedBack) yield* run(queries.setNextParent, { sessionId, turnId: null });
  yield* run(queries.insertMessage, {
    sessionId,
    turnId,
    position: 0,
    messageId,
    role: "user",
    partsJson: userPartsJson(input),
    isComplete: 1,
    createdAtMs: nowMs,
  });
  const stored = { sessionId, messageId, turnId, seq: acceptedSeq };
  const about = aboutTurn({ ...joined.row, model: input.model ?? joined.row.model }, parentTurnId);
  const seen = isIdle && !isBranched ? yield* contextOf(joined, { sessionId, userId }) : {};
  return { kind: "accepted", ...stored, duplicate: false, isBegun: isIdle, ...about, ...seen };
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
  const { turnId, epoch, nowMs } = input;
  yield* askPeople(input.approvals ?? [], nowMs);
  // It is held from here on: what is on record of its time stays so until it is added to.
  const turn = yield* get(queries.findOwnedTurn, { turnId, epoch });
  if (turn === undefined) throw fenced(turnId);
  const ranMs = Math.max(0, (input.ranMs ?? 0) - turn.ran_ms);
  yield* moveTurn(input, { ranMs, isAsked: turn.pending_approval_id !== null });
  const added = yield* putModelCalls(input.modelCalls ?? []);
  if (ranMs > 0) {
    const spend = { ...NO_SPEND, wallMs: ranMs };
    added.push({ userId: turn.user_id, day: dayOf(nowMs), spend });
  }
  const spent = added.reduce((sum, { spend }) => addSpend(sum, spend), NO_SPEND);
  const growth = growthOf(spent, input.taint);
  // Before the rest: a write that was made before and lost its answer ends here.
  yield* appendEvents(input, growth);
  const joined = yield* joinTurns(input);
  for (const { message, position } of input.messages) {
    const args = messageToArgs(message, position);
    yield* run(queries.insertMessage, { ...args, ...joined.get(message.id) });
  }
  for (const task of input.tasks) yield* run(queries.insertTask, taskToArgs(task));
  for (const taskId of input.background ?? []) {
    yield* run(queries.insertBackgroundTask, { turnId, taskId });
  }
  yield* addToDays(added);
}

/** Messages are exchanged elsewhere, their events are not kept: whoever asks for them has a gap. */
export function* importTurn(input: ImportTurn): Script<"imported" | "was-imported"> {
  const { sessionId, userId, turnId, messages, taint, title, nowMs } = input;
  const messageId = (messages.find(({ role }) => role === "user") ?? messages[0])?.id;
  if (messageId === undefined) {
    throw new RangeError(
      `Cannot import turn "${turnId}": it has no messages, expected at least one`,
    );
  }
  const clientMessageId = `import:${turnId}`;
  const ids = { turnId, sessionId, userId, messageId, clientMessageId };
  if ((yield* run(queries.insertEndedTurn, { ...ids, nowMs })) === 0) return "was-imported";
  yield* run(queries.insertSession, { sessionId, userId, title, nowMs });
  for (const [position, message] of messages.entries()) {
    yield* run(queries.insertMessage, messageToArgs(message, position));
  }
  const head = { sessionId, epoch: 0, headSeq: 0, lastSeq: 1, nowMs };
  yield* run(queries.moveSessionHead, { ...head, ...growthOf(NO_SPEND, taint) });
  return "imported";
}

export function* readControls({ turnId, sessionId }: RunningTurn): Script<TurnControlsNow> {
  const rows = yield* all(queries.readControls, { turnId, sessionId });
  const [first] = rows;
  const { brake_since_ms: sinceMs = null, brake_user_id: by = null } = first ?? {};
  const brake =
    sinceMs === null || by === null
      ? undefined
      : { sinceMs, by: parseUserId(by), reason: first?.brake_reason ?? undefined };
  const steering = rows.flatMap((row) => {
    const { turn_id: id, parts_json: partsJson } = row;
    // An outer join: of a turn that is there all is there.
    return id === null || partsJson === null
      ? []
      : [queuedFromRow({ ...(row as TurnRow & typeof row), parts_json: partsJson })];
  });
  const { context_version: session = 0, user_context_version: user } = first ?? {};
  const contextVersion = { session, user: user ?? 0 };
  return { brake, steering, contextVersion };
}

export function* recover({ instanceId, turnIds, nowMs }: RecoverTurns): Script<RecoverResult> {
  const over: RecoveredTurn[] = [];
  const queued: RecoveredTurn[] = [];
  const rows: TurnRow[] = [];
  if (turnIds === undefined) {
    rows.push(...(yield* all(queries.findOrphans, { limit: RECOVERED_MOST })));
    yield* interruptBackground(yield* all(queries.listLostBackground), nowMs);
  }
  for (const turnId of turnIds ?? []) {
    const row = yield* get(queries.findRunningOf, { turnId, instanceId });
    if (row !== undefined) rows.push(row);
    else {
      // It may have ended with its last write; the calls that it left behind died with its run.
      yield* interruptBackground(yield* listBackgroundOf(turnId, instanceId), nowMs);
      const known = yield* get(queries.findTurn, { turnId });
      if (known !== undefined) over.push(yield* toRecovered(turnFromRow(known)));
    }
  }
  // Whoever asks for turns of its own begins them anew: never under the number of the dead run.
  if (rows.length === 0 && turnIds === undefined) return { epoch: undefined, queued, over };
  const epoch = yield* nextEpoch();
  for (const row of rows) {
    const turn = recoverTurn(turnFromRow(row), nowMs);
    yield* giveBack(turn, { epoch, instanceId: row.instance_id, nowMs });
    const recovered = yield* toRecovered(turn);
    if (turn.state.kind === "queued") queued.push(recovered);
    else over.push(recovered);
  }
  yield* addToDays(rows.map(({ user_id: userId }) => ({ userId, day: dayOf(nowMs), spend: LOST })));
  return { epoch, queued, over };
}

export function* cancelTurn(turnId: TurnId): Script<boolean> {
  yield* run(queries.cancelTurn, { turnId });
  const isQueued = (yield* run(queries.resumeTurn, { turnId })) === 1;
  if (isQueued) yield* run(queries.closeApprovals, { turnId });
  return isQueued;
}

type JoinedSession =
  | {
      readonly kind: "open";
      readonly headSeq: number;
      readonly isIdle: boolean;
      /** As the turn's row has it. */
      readonly parentTurnId: string | null;
      /** Another branch than the newest one was in use. */
      readonly wasLedBack: boolean;
      readonly row: SessionRow & { readonly user_context_version?: number | null };
    }
  | Extract<AcceptResult, { kind: "not-found" | "outdated-id" }>;

/** The head of the session's log, whether no turn of it is unfinished, and what to go on from. */
function* joinSession(input: AcceptTurn): Script<JoinedSession> {
  const { session, userId, turnId } = input;
  if (session.isNew) {
    const nothing = { headSeq: 0, isIdle: true, parentTurnId: null, wasLedBack: false };
    return { kind: "open", ...nothing, row: NEW_SESSION };
  }
  const row = yield* findSessionToJoin(input);
  if (row?.user_id !== userId) return { kind: "not-found" };
  const { head_seq: headSeq, last_turn_id: last, open_turn_id: open } = row;
  if (last !== null && last >= turnId) {
    return { kind: "outdated-id", lastTurnId: parseTurnId(last) };
  }
  const { next_parent_turn_id: next } = row;
  const { parentTurnId: asked = next } = input;
  const parent = input.parentTurnId === null ? "" : asked;
  const isKnown = !parent || (yield* isTurnOf(session.id, parent));
  if (!isKnown) return { kind: "not-found" };
  const parentTurnId = parent === (last ?? "") ? null : parent;
  const isIdle = open === null;
  return { kind: "open", headSeq, isIdle, parentTurnId, wasLedBack: next !== null, row };
}

/** Of two messages that go on elsewhere than from the last turn, the second one sees the first. */
function* findSessionToJoin({ session, parentTurnId }: AcceptTurn) {
  const { id: sessionId } = session;
  const row = yield* get(queries.findSessionToJoin, { sessionId });
  const isLed = parentTurnId !== undefined || (row?.next_parent_turn_id ?? null) !== null;
  if (!isLed) return row;
  yield* get(queries.lockBranches, { sessionId });
  return yield* get(queries.findSessionToJoin, { sessionId });
}

function* isTurnOf(sessionId: SessionId, turnId: string): Script<boolean> {
  return (yield* get(queries.findFirstMessage, { sessionId, turnId })) !== undefined;
}

/** Moves the run's own turn on, by so much time, or leaves it as it is. `isAsked`: people are. */
function* moveTurn(
  { turnId, epoch, end, pause }: SaveTurn,
  { ranMs, isAsked }: { readonly ranMs: number; readonly isAsked: boolean },
): Script<void> {
  const args = { turnId, epoch, ranMs };
  if (end !== undefined) {
    yield* run(queries.endTurn, { ...args, ...turnStateToArgs(end) });
    if (isAsked) yield* run(queries.closeApprovals, { turnId });
  } else if (pause !== undefined) {
    yield* run(queries.pauseTurn, { ...args, sinceMs: pause.sinceMs });
    const isCancelled = (yield* get(queries.findTurn, { turnId }))?.is_cancelled === 1;
    if (isCancelled) yield* run(queries.closeApprovals, { turnId });
  } else if (ranMs > 0) yield* run(queries.addTimeToTurn, args);
}

function* askPeople(approvals: readonly Approval[], nowMs: number): Script<void> {
  if (approvals.length === 0) return;
  for (const approval of approvals) yield* addApproval(approval);
  yield* enqueueExpiries(approvals, nowMs);
}

/**
 * Ends the turns whose messages are this turn's now. Gives these messages' parts as they came: the
 * same message once more is known by them.
 */
function* joinTurns(input: SaveTurn): Script<ReadonlyMap<string, QueryArgs>> {
  const { turnId, sessionId, joined = [], messages, nowMs } = input;
  const parts = new Map<string, QueryArgs>();
  for (const joinedTurnId of joined) {
    const its = { sessionId, turnId: joinedTurnId };
    const first = yield* get(queries.findFirstMessage, its);
    const isJoined = yield* run(queries.joinTurn, { turnId, sessionId, joinedTurnId, nowMs });
    if (isJoined === 0 || first === undefined) {
      const message = `Cannot join turn "${joinedTurnId}": it is not queued any more`;
      throw new Fault("TURN_JOINED", message);
    }
    if (!messages.some(({ message }) => message.id === first.message_id)) {
      throw new RangeError(
        `Cannot join turn "${joinedTurnId}": its message is not among those given`,
      );
    }
    yield* run(queries.deleteFirstMessage, its);
    // What was to go on from the joined turn goes on from the one that has its message now.
    const moved = { sessionId, turnId, joinedTurnId };
    yield* run(queries.moveNextParent, moved);
    yield* run(queries.moveParents, moved);
    parts.set(first.message_id, { partsJson: first.parts_json });
  }
  return parts;
}

/** The answer that this message got the first time, if it was here before. */
function* acceptAgain(input: AcceptTurn): Script<AcceptResult | undefined> {
  const { userId, clientMessageId, session } = input;
  const earlier = yield* get(queries.findTurnByClientMessage, { userId, clientMessageId });
  if (earlier === undefined) return undefined;
  const turn = turnFromRow(earlier);
  if (!session.isNew && session.id !== turn.sessionId) return { kind: "conflict" };
  const { sessionId, userMessageId: messageId } = turn;
  const message = yield* get(queries.findMessage, { sessionId, messageId });
  if (message?.parts_json !== userPartsJson(input)) return { kind: "conflict" };
  const stored = { sessionId, messageId, turnId: turn.id, seq: earlier.accepted_seq };
  // The same call once more: it was made, and its answer was lost.
  const isOwn = turn.id === input.turnId;
  const { instanceId, epoch } = input.owner;
  const isRunning = earlier.state === "running" && earlier.instance_id === instanceId;
  const isBegun = isOwn && isRunning && earlier.epoch === epoch;
  const row = (yield* get(queries.findSession, { sessionId })) ?? NEW_SESSION;
  const about = aboutTurn({ ...row, model: earlier.model ?? row.model }, earlier.parent_turn_id);
  const seen = isBegun ? yield* contextOf({ row }, { sessionId, userId }) : {};
  return { kind: "accepted", ...stored, duplicate: !isOwn, isBegun, ...about, ...seen };
}

/** What there is for models beside messages; the user's part is asked for where it is not here. */
function* contextOf(
  { row }: Pick<Extract<JoinedSession, { kind: "open" }>, "row">,
  ids: { readonly sessionId: SessionId; readonly userId: UserId },
): Script<Pick<QueuedTurn, "contextVersion" | "hasOnlyMessages">> {
  const user = row.user_context_version ?? (yield* readUserContextVersion(ids.userId));
  const hasMore = (yield* get(queries.findContext, ids)) !== undefined;
  const contextVersion = { session: row.context_version, user };
  return { contextVersion, ...(!hasMore && { hasOnlyMessages: true }) };
}

/** What its run has to know from the start. */
function aboutTurn(row: SessionRow, parentTurnId: string | null) {
  const session = sessionNowFromRow(row);
  const isBranched = parentTurnId !== null;
  return { ...(session !== undefined && { session }), ...(isBranched && { isBranched }) };
}

interface LostRun {
  /** For the turn's next run. */
  readonly epoch: number;
  /** Whose the run was. */
  readonly instanceId: string | null;
  readonly nowMs: number;
}

/** Writes down what became of a turn whose run died. */
function* giveBack(
  { id: turnId, sessionId, epoch: lostEpoch, state }: Turn,
  { epoch, instanceId, nowMs }: LostRun,
): Script<void> {
  yield* interruptBackground(yield* listBackgroundOf(turnId, instanceId), nowMs);
  yield* run(queries.interruptTasks, { turnId, nowMs });
  const lost = { turnId, epoch: lostEpoch, ranMs: LOST.wallMs };
  if (state.kind !== "failed") {
    yield* run(queries.addTimeToTurn, lost);
    yield* run(queries.growSession, { sessionId, ...growthOf(LOST) });
    yield* run(queries.requeueTurn, { turnId });
    return;
  }
  yield* run(queries.endTurn, { ...lost, ...turnStateToArgs(state) });
  yield* run(queries.closeApprovals, { turnId });
  const seq = (yield* headOf(sessionId)) + 1;
  const event = { kind: "turn-failed", failure: state.failure } as const;
  const events = [{ seq, event }];
  yield* appendEvents({ turnId, sessionId, epoch, events, nowMs }, growthOf(LOST));
}

function* toRecovered({ id: turnId, sessionId }: Turn): Script<RecoveredTurn> {
  return { turnId, sessionId, headSeq: yield* headOf(sessionId) };
}

function* headOf(sessionId: SessionId): Script<number> {
  return (yield* get(queries.findSession, { sessionId }))?.head_seq ?? 0;
}

function* appendEvents(
  input: Pick<SaveTurn, "turnId" | "sessionId" | "epoch" | "events" | "nowMs">,
  growth: QueryArgs,
): Script<void> {
  const { turnId, sessionId, epoch, events, nowMs } = input;
  const first = events[0];
  const last = events.at(-1);
  if (first === undefined || last === undefined) {
    if (Object.values(growth).some(Boolean)) {
      yield* run(queries.growSession, { sessionId, ...growth });
    }
    return;
  }
  const log = { epoch, headSeq: first.seq - 1, lastSeq: last.seq, nowMs };
  const head = { sessionId, ...log, ...growth };
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
