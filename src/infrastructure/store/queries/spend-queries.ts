import { type RawBuilder, sql } from "kysely";
import type { BudgetScope } from "#domain/spend/budget.ts";
import { arg, builder, compile } from "../query-builder.ts";
import type { Schema } from "../schema.ts";

/** Sums, as the columns of `session` and `spend` have them. */
export interface SpendRow {
  readonly steps: number;
  readonly tokens: number;
  readonly cost_nano_usd: number;
  readonly wall_ms: number;
}

/** On Postgres each connection adds to rows of its own, so that none waits for another's commit. */
const SHARD = {
  sqlite: sql<number>`0`,
  postgres: sql<number>`pg_backend_pid() % 16`,
};
/** Stands for all users in `spend`. */
const ALL_USERS = "";
/** The row that all who reserve go by, one after the other. */
const RESERVING = sql<number>`-1`;

export const spendQueries = {
  /** A row where the call is there: what it counts as. */
  findCounted: compile<Pick<SpendRow, "tokens" | "cost_nano_usd">>(
    builder
      .selectFrom("model_call")
      .select(["cost_nano_usd", sql<number>`input_tokens + output_tokens`.as("tokens")])
      .where("turn_id", "=", arg("turnId"))
      .where("model_call_id", "=", arg("modelCallId")),
  ),
  insertModelCall: compile(
    builder
      .insertInto("model_call")
      .values({
        turn_id: arg("turnId"),
        model_call_id: arg("modelCallId"),
        session_id: arg("sessionId"),
        user_id: arg("userId"),
        step: arg<number>("step"),
        model: arg("model"),
        state: arg("state"),
        input_tokens: arg<number>("inputTokens"),
        output_tokens: arg<number>("outputTokens"),
        cached_input_tokens: arg<number | null>("cachedInputTokens"),
        cache_write_tokens: arg<number | null>("cacheWriteTokens"),
        reasoning_tokens: arg<number | null>("reasoningTokens"),
        is_estimated: arg<number | null>("isEstimated"),
        cost_nano_usd: arg<number>("costNanoUsd"),
        started_at_ms: arg<number>("startedAtMs"),
        first_token_at_ms: arg<number | null>("firstTokenAtMs"),
        ended_at_ms: arg<number | null>("endedAtMs"),
        failure_code: arg<string | null>("failureCode"),
        failure_message: arg<string | null>("failureMessage"),
      })
      .onConflict((conflict) =>
        conflict.columns(["turn_id", "model_call_id"]).doUpdateSet((excluded) => ({
          model: excluded.ref("excluded.model"),
          state: excluded.ref("excluded.state"),
          input_tokens: excluded.ref("excluded.input_tokens"),
          output_tokens: excluded.ref("excluded.output_tokens"),
          cached_input_tokens: excluded.ref("excluded.cached_input_tokens"),
          cache_write_tokens: excluded.ref("excluded.cache_write_tokens"),
          reasoning_tokens: excluded.ref("excluded.reasoning_tokens"),
          is_estimated: excluded.ref("excluded.is_estimated"),
          cost_nano_usd: excluded.ref("excluded.cost_nano_usd"),
          first_token_at_ms: excluded.ref("excluded.first_token_at_ms"),
          ended_at_ms: excluded.ref("excluded.ended_at_ms"),
          failure_code: excluded.ref("excluded.failure_code"),
          failure_message: excluded.ref("excluded.failure_message"),
        })),
      ),
  ),
  listModelCalls: compile<Schema["model_call"]>(
    builder
      .selectFrom("model_call")
      .selectAll()
      .where("turn_id", "=", arg("turnId"))
      .orderBy("started_at_ms")
      .orderBy("model_call_id"),
  ),
  /**
   * A row for each scope, but for a session that is not there. One statement: what is saved between
   * two would be in one scope and not in the other.
   */
  sumScopes: compile<SpendRow & { readonly scope: BudgetScope }>(
    builder
      .selectFrom("model_call")
      .select([
        scope("turn"),
        whole(sql`count(*)`).as("steps"),
        sum("input_tokens + output_tokens").as("tokens"),
        sum("cost_nano_usd").as("cost_nano_usd"),
        whole(sql`coalesce((SELECT ran_ms FROM turn WHERE turn.turn_id = ${arg("turnId")}), 0)`).as(
          "wall_ms",
        ),
      ])
      .where("turn_id", "=", arg("turnId"))
      .unionAll(
        builder
          .selectFrom("session")
          .select([scope("session"), "steps", "tokens", "cost_nano_usd", "wall_ms"])
          .where("session_id", "=", arg("sessionId")),
      )
      .unionAll(sumOfDay("user", arg("userId")))
      .unionAll(sumOfDay("day", ALL_USERS)),
  ),
  addSpend: compile(addSpend(SHARD.sqlite), addSpend(SHARD.postgres)),
  deleteOldSpend: compile(
    builder
      .deleteFrom("spend")
      .where("user_id", "=", arg("userId"))
      .where("day", "<", arg("beforeDay")),
  ),
  /** Adds nothing. Until the transaction ends nobody else reserves against the same budget. */
  lockSpend: compile(
    builder
      .insertInto("spend")
      .values({
        user_id: arg("userId"),
        day: arg("day"),
        shard: RESERVING,
        steps: 0,
        tokens: 0,
        cost_nano_usd: 0,
        wall_ms: 0,
      })
      .onConflict((conflict) =>
        conflict.columns(["user_id", "day", "shard"]).doUpdateSet({ steps: 0 }),
      ),
  ),
};

/** What a user spent on a day. */
function sumOfDay(of: BudgetScope, userId: string) {
  return builder
    .selectFrom("spend")
    .select([
      scope(of),
      sum("steps").as("steps"),
      sum("tokens").as("tokens"),
      sum("cost_nano_usd").as("cost_nano_usd"),
      sum("wall_ms").as("wall_ms"),
    ])
    .where("user_id", "=", userId)
    .where("day", "=", arg("day"));
}

function scope(of: BudgetScope) {
  return sql<BudgetScope>`${sql.lit(of)}`.as("scope");
}

function addSpend(shard: RawBuilder<number>) {
  return builder
    .insertInto("spend")
    .values({
      user_id: arg("userId"),
      day: arg("day"),
      shard,
      steps: arg<number>("steps"),
      tokens: arg<number>("tokens"),
      cost_nano_usd: arg<number>("costNanoUsd"),
      wall_ms: arg<number>("wallMs"),
    })
    .onConflict((conflict) =>
      conflict.columns(["user_id", "day", "shard"]).doUpdateSet((spend) => ({
        steps: spend("spend.steps", "+", spend.ref("excluded.steps")),
        tokens: spend("spend.tokens", "+", spend.ref("excluded.tokens")),
        cost_nano_usd: spend("spend.cost_nano_usd", "+", spend.ref("excluded.cost_nano_usd")),
        wall_ms: spend("spend.wall_ms", "+", spend.ref("excluded.wall_ms")),
      })),
    );
}

/** Of no rows it is 0; Postgres would give a decimal. */
function sum(of: string): RawBuilder<number> {
  return whole(sql`coalesce(sum(${sql.raw(of)}), 0)`);
}

function whole(number: RawBuilder<unknown>): RawBuilder<number> {
  return sql<number>`cast(${number} as bigint)`;
}
