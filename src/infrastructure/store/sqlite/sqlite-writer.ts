import { titleFrom } from "#domain/session/session.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { SessionId, TurnId } from "#domain/shared/id.ts";
import { packEvents } from "#domain/turn/event-log.ts";
import { recoverTurn, type Turn } from "#domain/turn/turn.ts";
import type {
  AcceptResult,
  AcceptTurn,
  BeginTurn,
  QueuedTurn,
  RecoverResult,
  RecoverTurns,
  SaveTurn,
} from "#domain/turn/turn-log.ts";
import type { User } from "#domain/user/user.ts";
import type { Credential, ReplaceToken } from "#domain/user/user-repository.ts";
import type { KvSetResult, KvSpace } from "../../../../runtime/index.ts";
import { queries } from "../load-queries.ts";
import {
  messageFromRow,
  messageToArgs,
  taskToArgs,
  turnFromRow,
  turnStateToArgs,
} from "../rows.ts";
import type { Schema } from "../schema.ts";
import { type RecordCalls, recordCalls } from "./call-records.ts";
import { deleteSkillValue, type SetSkillValue, setSkillValue } from "./skill-values.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/**
 * Every write there is, each to be called inside a transaction. A method that throws may have
 * written a part: the caller rolls back.
 */
export class SqliteWriter {
  readonly #db: SqliteConnection;

  constructor(db: SqliteConnection) {
    this.#db = db;
  }

  accept(input: AcceptTurn): AcceptResult {
    const { userId, clientMessageId, turnId, messageId, beginEpoch } = input;
    const earlier = this.#db.get(queries.findTurnByClientMessage, { userId, clientMessageId });
    if (earlier !== undefined) return this.#acceptAgain(input, earlier);
    const acceptedSeq = this.#openSession(input);
    if (acceptedSeq === undefined) return { kind: "not-found" };

    const sessionId = input.session.id;
    const { nowMs } = input;
    this.#db.run(queries.insertMessage, {
      sessionId,
      turnId,
      position: 0,
      messageId,
      role: "user",
      partsJson: JSON.stringify([{ kind: "text", text: input.text }]),
      isComplete: 1,
      createdAtMs: nowMs,
    });
    this.#db.run(queries.insertTurn, {
      turnId,
      sessionId,
      userId,
      messageId,
      clientMessageId,
      acceptedSeq,
      ...(beginEpoch === undefined
        ? { state: "queued", attempts: 0, epoch: 0, startedAtMs: null }
        : { state: "running", attempts: 1, epoch: beginEpoch, startedAtMs: nowMs }),
      nowMs,
    });
    return { kind: "accepted", sessionId, messageId, turnId, seq: acceptedSeq, duplicate: false };
  }

  begin(input: BeginTurn): void {
    if (this.#db.run(queries.beginTurn, { ...input }) === 0) throw fenced(input.turnId);
  }

  save(input: SaveTurn): void {
    const { turnId, epoch, end } = input;
    const owned =
      end === undefined
        ? this.#db.get(queries.findOwnedTurn, { turnId, epoch }) !== undefined
        : this.#db.run(queries.endTurn, { turnId, epoch, ...turnStateToArgs(end) }) === 1;
    if (!owned) throw fenced(turnId);
    for (const { message, position } of input.messages) {
      this.#db.run(queries.insertMessage, messageToArgs(message, position));
    }
    for (const task of input.tasks) this.#db.run(queries.insertTask, taskToArgs(task));
    this.#appendEvents(input);
  }

  recover({ turnIds, nowMs }: RecoverTurns): RecoverResult {
    const { value: epoch } = this.#db.get(queries.nextEpoch) as { value: number };
    const rows =
      turnIds === undefined
        ? this.#db.all(queries.listOpenTurns)
        : turnIds.flatMap((turnId) => this.#db.all(queries.findTurn, { turnId }));
    const turns = rows.map((row) => this.#recoverOne(turnFromRow(row), nowMs, epoch));
    return {
      epoch,
      queued: turns
        .filter(({ state }) => state.kind === "queued")
        .map((turn) => this.#toQueuedTurn(turn)),
      failed: turns
        .filter(({ state }) => state.kind !== "queued")
        .map(({ id, sessionId }) => ({ turnId: id, sessionId, headSeq: this.#headOf(sessionId) })),
    };
  }

  deleteSession(sessionId: SessionId): "deleted" | "not-found" | "busy" {
    if (this.#db.get(queries.findSession, { sessionId }) === undefined) return "not-found";
    if (this.#db.get(queries.listOpenTurnsOfSession, { sessionId }) !== undefined) return "busy";
    this.#db.run(queries.deleteSessionTasks, { sessionId });
    this.#db.run(queries.deleteSessionTurns, { sessionId });
    this.#db.run(queries.deleteSessionMessages, { sessionId });
    this.#db.run(queries.deleteSessionEvents, { sessionId });
    this.#db.run(queries.deleteSession, { sessionId });
    return "deleted";
  }

  addUser(user: User): void {
    const { id, name, role, createdAtMs } = user;
    this.#db.run(queries.insertUser, { userId: id, name, role, createdAtMs });
  }

  addCredential(credential: Credential): void {
    this.#db.run(queries.deleteExpiredCredentials, { nowMs: credential.createdAtMs });
    this.#db.run(queries.insertCredential, {
      ...credential,
      expiresAtMs: credential.expiresAtMs ?? null,
    });
  }

  removeCredential(hash: string): void {
    this.#db.run(queries.deleteCredential, { hash });
  }

  replaceToken({ label, userId, hash, nowMs }: ReplaceToken): void {
    this.#db.run(queries.deleteTokensLabelled, { label });
    if (hash === undefined) return;
    const kind = "token";
    this.addCredential({ hash, kind, userId, label, createdAtMs: nowMs, expiresAtMs: undefined });
  }

  setSkillValue(input: SetSkillValue): KvSetResult {
    return setSkillValue(this.#db, input);
  }

  deleteSkillValue(space: KvSpace, key: string): boolean {
    return deleteSkillValue(this.#db, space, key);
  }

  recordCalls(input: RecordCalls): void {
    recordCalls(this.#db, input);
  }

  /** The head of the session's log, or `undefined` where the user has no such session. */
  #openSession({ session, userId, text, nowMs }: AcceptTurn): number | undefined {
    const sessionId = session.id;
    if (session.isNew) {
      this.#db.run(queries.insertSession, { sessionId, userId, title: titleFrom(text), nowMs });
      return 0;
    }
    const row = this.#db.get(queries.findSession, { sessionId });
    return row?.user_id === userId ? row.head_seq : undefined;
  }

  #acceptAgain(input: AcceptTurn, earlier: Schema["turn"]): AcceptResult {
    const { session, text } = input;
    const turn = turnFromRow(earlier);
    if (!session.isNew && session.id !== turn.sessionId) return { kind: "conflict" };
    if (this.#textOf(turn) !== text) return { kind: "conflict" };
    return {
      kind: "accepted",
      sessionId: turn.sessionId,
      messageId: turn.userMessageId,
      turnId: turn.id,
      seq: earlier.accepted_seq,
      duplicate: true,
    };
  }

  #recoverOne(turn: Turn, nowMs: number, epoch: number): Turn {
    if (turn.state.kind !== "running") return turn;
    const recovered = recoverTurn(turn, nowMs);
    const { state } = recovered;
    this.#db.run(queries.interruptTasks, { turnId: turn.id, nowMs });
    if (state.kind !== "failed") {
      this.#db.run(queries.requeueTurn, { turnId: turn.id });
      return recovered;
    }
    this.#db.run(queries.endTurn, {
      turnId: turn.id,
      epoch: turn.epoch,
      ...turnStateToArgs(state),
    });
    const seq = this.#headOf(turn.sessionId) + 1;
    this.#appendEvents({
      turnId: turn.id,
      sessionId: turn.sessionId,
      epoch,
      events: [{ seq, event: { kind: "turn-failed", failure: state.failure } }],
      nowMs,
    });
    return recovered;
  }

  #toQueuedTurn(turn: Turn): QueuedTurn {
    return {
      turnId: turn.id,
      sessionId: turn.sessionId,
      userId: turn.userId,
      messageId: turn.userMessageId,
      text: this.#textOf(turn),
      acceptedAtMs: turn.createdAtMs,
      attempt: turn.attempts + 1,
      headSeq: this.#headOf(turn.sessionId),
    };
  }

  #textOf({ sessionId, userMessageId }: Turn): string {
    const row = this.#db.get(queries.findMessage, { sessionId, messageId: userMessageId });
    const part = row === undefined ? undefined : messageFromRow(row).parts[0];
    return part?.kind === "text" ? part.text : "";
  }

  #headOf(sessionId: SessionId): number {
    return this.#db.get(queries.findSession, { sessionId })?.head_seq ?? 0;
  }

  #appendEvents(
    input: Pick<SaveTurn, "turnId" | "sessionId" | "epoch" | "events" | "nowMs">,
  ): void {
    const { turnId, sessionId, epoch, events, nowMs } = input;
    const first = events[0];
    const last = events.at(-1);
    if (first === undefined || last === undefined) return;
    const head = { sessionId, epoch, headSeq: first.seq - 1, lastSeq: last.seq, nowMs };
    if (this.#db.run(queries.moveSessionHead, head) === 0) throw fenced(turnId);
    this.#db.run(queries.insertSegment, {
      sessionId,
      firstSeq: first.seq,
      lastSeq: last.seq,
      epoch,
      turnId,
      eventsJson: JSON.stringify(packEvents(events)),
    });
  }
}

function fenced(turnId: TurnId): Fault {
  return new Fault("TURN_FENCED", `Cannot write turn "${turnId}": this run no longer owns it`);
}
