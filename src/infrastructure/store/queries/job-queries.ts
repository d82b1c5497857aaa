import { sql } from "kysely";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

/*
 * The jobs of a store on SQLite, which one process has for itself. States are part of the text of
 * statements: SQLite uses an index for some of the rows only where it sees that these are meant.
 */

const isWaiting = sql<boolean>`state = 'waiting'`;
const isLeased = sql<boolean>`state = 'leased'`;

export const jobQueries = {
  insertJob: compile(
    builder
      .insertInto("job")
      .values({
        queue: arg("queue"),
        job_id: arg("jobId"),
        data_json: arg("dataJson"),
        state: "waiting",
        attempt: 0,
        ready_at_ms: arg<number>("readyAtMs"),
      })
      .onConflict((conflict) => conflict.doNothing()),
  ),
  findReadyJob: compile<{ job_id: string }>(
    builder
      .selectFrom("job")
      .select("job_id")
      .where("queue", "=", arg("queue"))
      .where(isWaiting)
      .where("ready_at_ms", "<=", arg<number>("nowMs"))
      .limit(1),
  ),
  findLostJob: compile<{ job_id: string }>(lost().select("job_id").limit(1)),
  listReadyJobs: compile<Schema["job"]>(
    builder
      .selectFrom("job")
      .selectAll()
      .where("queue", "=", arg("queue"))
      .where(isWaiting)
      .where("ready_at_ms", "<=", arg<number>("nowMs"))
      .orderBy("ready_at_ms")
      .limit(arg<number>("limit")),
  ),
  listLostJobs: compile<Schema["job"]>(lost().selectAll()),
  leaseJob: compile(
    builder
      .updateTable("job")
      .set((job) => ({
        state: "leased",
        attempt: job("attempt", "+", 1),
        lease_until_ms: arg<number>("leaseUntilMs"),
      }))
      .where("queue", "=", arg("queue"))
      .where("job_id", "=", arg("jobId")),
  ),
  touchJob: compile(leased().set({ lease_until_ms: arg<number>("leaseUntilMs") })),
  completeJob: compile(
    leased().set({ state: "done", lease_until_ms: null, ended_at_ms: arg<number>("nowMs") }),
  ),
  putJobBack: compile(
    leased().set({
      state: "waiting",
      lease_until_ms: null,
      ready_at_ms: arg<number>("readyAtMs"),
      failure_code: arg("failureCode"),
      failure_message: arg("failureMessage"),
    }),
  ),
  buryJob: compile(
    leased().set({
      state: "dead",
      lease_until_ms: null,
      ended_at_ms: arg<number>("nowMs"),
      failure_code: arg("failureCode"),
      failure_message: arg("failureMessage"),
    }),
  ),
  listDeadJobs: compile<Schema["job"]>(
    builder
      .selectFrom("job")
      .selectAll()
      .where("state", "=", "dead")
      .where("ended_at_ms", "is not", null)
      .orderBy("ended_at_ms", "desc")
      .limit(arg<number>("limit")),
  ),
  /** A few of those that ended in a state before a time. */
  deleteEndedJobs: compile(
    builder
      .deleteFrom("job")
      .where("queue", "=", arg("queue"))
      .where("job_id", "in", (old) =>
        old
          .selectFrom("job")
          .select("job_id")
          .where("queue", "=", arg("queue"))
          .where("state", "=", arg("state"))
          .where("ended_at_ms", "<", arg<number>("beforeMs"))
          .limit(arg<number>("limit")),
      ),
  ),
};

function lost() {
  return builder
    .selectFrom("job")
    .where("queue", "=", arg("queue"))
    .where(isLeased)
    .where("lease_until_ms", "<", arg<number>("nowMs"));
}

/** A job as long as its lease is that of an attempt. */
function leased() {
  return builder
    .updateTable("job")
    .where("queue", "=", arg("queue"))
    .where("job_id", "=", arg("jobId"))
    .where(isLeased)
    .where("attempt", "=", arg<number>("attempt"));
}
