import type { Message } from "#domain/message/message.ts";
import type { Session } from "#domain/session/session.ts";
import type {
  ListMessages,
  ListSessions,
  ReadEvents,
  ReadEventsResult,
  StoredEvent,
  TurnSummary,
} from "#domain/session/session-repository.ts";
import { parseTurnId, type SessionId, type TurnId, type UserId } from "#domain/shared/id.ts";
import { type PackedEvent, unpackEvents } from "#domain/turn/event-log.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { User } from "#domain/user/user.ts";
import type { FindByCredential } from "#domain/user/user-repository.ts";
import type { KvSpace } from "../../../../runtime/index.ts";
import { queries } from "../load-queries.ts";
import { messageFromRow, sessionFromRow, turnFromRow, userFromRow } from "../rows.ts";
import type { Schema } from "../schema.ts";
import { findSkillValue, listSkillKeys } from "./skill-values.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";

/** Sorts after every id. */
const LAST_ID = "~";
const MAX_SEGMENTS = 500;

/** Every read there is, on a connection of its own. */
export class SqliteReader {
  readonly #db: SqliteConnection;

  constructor(db: SqliteConnection) {
    this.#db = db;
  }

  findUser(userId: UserId): User | undefined {
    const row = this.#db.get(queries.findUser, { userId });
    return row && userFromRow(row);
  }

  findByCredential(input: FindByCredential): User | undefined {
    const row = this.#db.get(queries.findUserByCredential, { ...input });
    return row && userFromRow(row);
  }

  hasToken(): boolean {
    return this.#db.get(queries.findAnyToken) !== undefined;
  }

  findSession(sessionId: SessionId): Session | undefined {
    const row = this.#db.get(queries.findSession, { sessionId });
    return row && sessionFromRow(row);
  }

  listSessions({ userId, limit, beforeMs = Number.MAX_SAFE_INTEGER }: ListSessions): Session[] {
    return this.#db.all(queries.listSessions, { userId, limit, beforeMs }).map(sessionFromRow);
  }

  listMessages({ sessionId, limit, before }: ListMessages): Message[] {
    const end = before && this.#db.get(queries.findMessage, { sessionId, messageId: before });
    if (before !== undefined && end === undefined) return [];
    const last = {
      turnId: end?.turn_id ?? LAST_ID,
      position: end === undefined ? 0 : end.position - 1,
    };
    return this.#db
      .all(queries.listMessages, { sessionId, limit, ...last })
      .map(messageFromRow)
      .toReversed();
  }

  /** The latest `limit` messages up to and including turn `turnId`, oldest first. */
  listHistory(sessionId: SessionId, turnId: TurnId, limit: number): Message[] {
    const last = { turnId, position: Number.MAX_SAFE_INTEGER };
    return this.#db
      .all(queries.listMessages, { sessionId, limit, ...last })
      .map(messageFromRow)
      .toReversed();
  }

  listTurns(messages: readonly Pick<Message, "turnId">[]): TurnSummary[] {
    const ids = new Set(messages.map(({ turnId }) => turnId));
    return [...ids].flatMap((turnId) => {
      const turn = this.findTurn(turnId);
      if (turn === undefined) return [];
      const { id, state } = turn;
      return [
        { id, state: state.kind, ...(state.kind === "failed" && { failure: state.failure }) },
      ];
    });
  }

  findTurn(turnId: TurnId): Turn | undefined {
    const row = this.#db.get(queries.findTurn, { turnId });
    return row && turnFromRow(row);
  }

  findSkillValue(space: KvSpace, key: string): Uint8Array | undefined {
    return findSkillValue(this.#db, space, key);
  }

  listSkillKeys(space: KvSpace, prefix: string, limit: number): string[] {
    return listSkillKeys(this.#db, space, { prefix, limit });
  }

  readEvents({ sessionId, after, epoch, limit }: ReadEvents): ReadEventsResult {
    const session = this.findSession(sessionId);
    const { headSeq = 0, headEpoch = 0 } = session ?? {};
    const isKnown = after === 0 || (after <= headSeq && this.#hasPosition(sessionId, after, epoch));
    if (!isKnown) return { kind: "unknown-position", headSeq, headEpoch };

    const rows = this.#db.all(queries.listSegmentsAfter, { sessionId, after, limit: MAX_SEGMENTS });
    const events: StoredEvent[] = [];
    for (const row of rows) {
      if (events.length >= limit) break;
      events.push(...eventsOf(row, after));
    }
    return { kind: "events", events, isLast: (events.at(-1)?.seq ?? after) >= headSeq };
  }

  /**
   * Whether what a client has up to `seq` is what is stored. A client that last saw an event of
   * run `epoch` has other events than those that a later run stored at the same place.
   */
  #hasPosition(sessionId: SessionId, seq: number, epoch: number | undefined): boolean {
    const row = this.#db.get(queries.findSegmentAt, { sessionId, seq });
    if (row === undefined || row.last_seq < seq) return false;
    return epoch === undefined || row.epoch <= epoch;
  }
}

function eventsOf(row: Schema["event_segment"], after: number): StoredEvent[] {
  const turnId = parseTurnId(row.turn_id);
  const packed = JSON.parse(row.events_json) as PackedEvent[];
  return unpackEvents(packed, after).map((event) => ({ ...event, turnId, epoch: row.epoch }));
}
