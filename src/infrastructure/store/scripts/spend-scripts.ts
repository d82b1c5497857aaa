import type { SessionTaint } from "#domain/session/session-taint.ts";
import type { TurnId } from "#domain/shared/id.ts";
import {
  addSpend,
  type BudgetScope,
  findExceeded,
  NO_SPEND,
  type Spend,
} from "#domain/spend/budget.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { ReadSpend, ReserveModelCall, ReserveResult } from "#domain/spend/spend-repository.ts";
import { queries } from "../load-queries.ts";
import type { QueryArgs } from "../query.ts";
import { all, get, run, type Script } from "../script.ts";
import type { SpendOfDay } from "../spend-rows.ts";
import { modelCallFromRow, modelCallToArgs, spendFromRow, spendOfCall } from "../spend-rows.ts";
import { fenced } from "./fenced.ts";

type SpenderOf = Omit<ReadSpend, "userId"> & { readonly userId: string };

/** Stands for all users in `spend`. */
const ALL_USERS = "";

export function* readSpend(input: SpenderOf): Script<Record<BudgetScope, Spend>> {
  const rows = yield* all(queries.sumScopes, { ...input });
  const sumOf = (scope: BudgetScope) => {
    const row = rows.find((each) => each.scope === scope);
    return row === undefined ? NO_SPEND : spendFromRow(row);
  };
  return {
    turn: sumOf("turn"),
    session: sumOf("session"),
    user: sumOf("user"),
    day: sumOf("day"),
  };
}

export function* listModelCalls(turnId: TurnId): Script<ModelCall[]> {
  return (yield* all(queries.listModelCalls, { turnId })).map(modelCallFromRow);
}

export function* reserveModelCall(input: ReserveModelCall): Script<ReserveResult> {
  const { call, epoch, budgets } = input;
  const { turnId, sessionId } = call;
  if ((yield* get(queries.findOwnedTurn, { turnId, epoch })) === undefined) throw fenced(turnId);
  // The same call once more: it was made, and its answer was lost.
  const args = modelCallToArgs(call);
  if ((yield* get(queries.findCounted, args)) !== undefined) return { kind: "reserved" };
  const { userId, day, spend } = spendOfCall(call, undefined);
  if (budgets.day !== undefined) yield* run(queries.lockSpend, { userId: ALL_USERS, day });
  if (budgets.user !== undefined) yield* run(queries.lockSpend, { userId, day });
  const spent = yield* readSpend({ turnId, sessionId, userId, day });
  const line = findExceeded(budgets, spent, spend);
  if (line !== undefined) return { kind: "over-budget", line };
  yield* run(queries.insertModelCall, args);
  yield* run(queries.growSession, { sessionId, ...growthOf(spend) });
  yield* addToDays([{ userId, day, spend }]);
  return { kind: "reserved" };
}

/** Puts calls on record in place of what they were before; gives what they count as besides. */
export function* putModelCalls(calls: readonly ModelCall[]): Script<SpendOfDay[]> {
  const added: SpendOfDay[] = [];
  for (const call of calls) {
    const args = modelCallToArgs(call);
    added.push(spendOfCall(call, yield* get(queries.findCounted, args)));
    yield* run(queries.insertModelCall, args);
  }
  return added;
}

/** Adds to what users have spent on days, and all users together: first these. */
export function* addToDays(added: readonly SpendOfDay[]): Script<void> {
  for (const { userId, day, spend } of sumByDay(added)) {
    yield* run(queries.addSpend, { userId, day, ...spend });
  }
}

/** One sum for each user and day there is, and for all users, in the order of the rows. */
function sumByDay(added: readonly SpendOfDay[]): readonly SpendOfDay[] {
  const sums = new Map<string, SpendOfDay>();
  for (const each of added) {
    if (Object.values(each.spend).every((count) => count === 0)) continue;
    for (const userId of [ALL_USERS, each.userId]) {
      const key = `${userId} ${each.day}`;
      const { spend = NO_SPEND } = sums.get(key) ?? {};
      sums.set(key, { userId, day: each.day, spend: addSpend(spend, each.spend) });
    }
  }
  return [...sums.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}

/** What a session's row grows by. */
export function growthOf(spend: Spend, taint: SessionTaint = {}): QueryArgs {
  return { ...spend, untrusted: taint.untrusted ?? null, private: taint.private ?? null };
}
