import { parseModelCallId, parseSessionId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import { dayOf, type Spend } from "#domain/spend/budget.ts";
import type { ModelCall, ModelCallState } from "#domain/spend/model-call.ts";
import type { TokenUsage } from "#domain/spend/token-usage.ts";
import type { SpendRow } from "./queries/spend-queries.ts";
import type { QueryArgs } from "./query.ts";
import { toStoredText } from "./rows.ts";
import type { Schema } from "./schema.ts";

/* What was spent, as rows. */

export function modelCallToArgs(call: ModelCall): QueryArgs {
  const { usage, state } = call;
  const ended = state.kind === "reserved" ? undefined : state;
  return {
    turnId: call.turnId,
    modelCallId: call.id,
    sessionId: call.sessionId,
    userId: call.userId,
    step: call.step,
    model: call.model,
    state: state.kind,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cachedInputTokens: usage.cachedInputTokens ?? null,
    cacheWriteTokens: usage.cacheWriteTokens ?? null,
    reasoningTokens: usage.reasoningTokens ?? null,
    isEstimated: usage.isEstimated === undefined ? null : Number(usage.isEstimated),
    costNanoUsd: call.costNanoUsd,
    startedAtMs: call.startedAtMs,
    firstTokenAtMs: ended?.firstTokenAtMs ?? null,
    endedAtMs: ended?.endedAtMs ?? null,
    failureCode: ended?.failure?.code ?? null,
    failureMessage: toStoredText(ended?.failure?.message),
  };
}

export function modelCallFromRow(row: Schema["model_call"]): ModelCall {
  return {
    id: parseModelCallId(row.model_call_id),
    turnId: parseTurnId(row.turn_id),
    sessionId: parseSessionId(row.session_id),
    userId: parseUserId(row.user_id),
    step: row.step,
    model: row.model,
    usage: usageFromRow(row),
    costNanoUsd: row.cost_nano_usd,
    startedAtMs: row.started_at_ms,
    state: stateFromRow(row),
  };
}

export function spendFromRow(row: SpendRow): Spend {
  return {
    steps: row.steps,
    tokens: row.tokens,
    costNanoUsd: row.cost_nano_usd,
    wallMs: row.wall_ms,
  };
}

/** What of a sum is a user's on a day. */
export interface SpendOfDay {
  readonly userId: string;
  readonly day: string;
  readonly spend: Spend;
}

/** What a call counts as, besides `before`, which it has counted as already. */
export function spendOfCall(call: ModelCall, before: CountedRow | undefined): SpendOfDay {
  const { inputTokens, outputTokens } = call.usage;
  return {
    userId: call.userId,
    day: dayOf(call.startedAtMs),
    spend: {
      steps: before === undefined ? 1 : 0,
      tokens: inputTokens + outputTokens - (before?.tokens ?? 0),
      costNanoUsd: call.costNanoUsd - (before?.cost_nano_usd ?? 0),
      wallMs: 0,
    },
  };
}

type CountedRow = Pick<SpendRow, "tokens" | "cost_nano_usd">;

function usageFromRow(row: Schema["model_call"]): TokenUsage {
  const { cached_input_tokens: cached, cache_write_tokens: written } = row;
  const { reasoning_tokens: reasoning, is_estimated: isEstimated } = row;
  return {
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    ...(cached !== null && { cachedInputTokens: cached }),
    ...(written !== null && { cacheWriteTokens: written }),
    ...(reasoning !== null && { reasoningTokens: reasoning }),
    ...(isEstimated !== null && { isEstimated: isEstimated === 1 }),
  };
}

function stateFromRow(row: Schema["model_call"]): ModelCallState {
  const kind = row.state as ModelCallState["kind"];
  if (kind === "reserved") return { kind };
  const { first_token_at_ms: firstTokenAtMs, failure_code: code, failure_message: message } = row;
  return {
    kind,
    ...(firstTokenAtMs !== null && { firstTokenAtMs }),
    endedAtMs: row.ended_at_ms ?? 0,
    ...(code !== null && { failure: { code, message: message ?? "" } }),
  };
}
