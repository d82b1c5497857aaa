import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";

export const housekeepingQueries = {
  /** Sessions that may have events to delete, in the order of their ids. */
  listLongSessions: compile<{ session_id: string; head_seq: number; updated_at_ms: number }>(
    builder
      .selectFrom("session")
      .select(["session_id", "head_seq", "updated_at_ms"])
      .where("session_id", ">", arg("after"))
      .where((session) =>
        session.or([
          session("head_seq", ">", arg<number>("keepEvents")),
          session.and([
            session("updated_at_ms", "<", arg<number>("restedSinceMs")),
            session("head_seq", ">", 0),
          ]),
        ]),
      )
      .orderBy("session_id")
      .limit(arg<number>("limit")),
  ),
  deleteSegments: compile(
    builder
      .deleteFrom("event_segment")
      .where("session_id", "=", arg("sessionId"))
      .where(
        sql<boolean>`first_seq IN (
          SELECT first_seq FROM event_segment
          WHERE session_id = ${arg("sessionId")} AND last_seq <= ${arg<number>("upTo")}
          ORDER BY first_seq LIMIT ${arg<number>("limit")})`,
      ),
  ),
};
