import type { Failure } from "#domain/shared/fault.ts";
import type { UserId } from "#domain/shared/id.ts";
import { boundTokens } from "#domain/spend/bound-tokens.ts";
import {
  addSpend,
  type BudgetLine,
  type Budgets,
  dayOf,
  type Spend,
} from "#domain/spend/budget.ts";
import { countInput } from "#domain/spend/estimate-tokens.ts";
import { findTime, fitCall, type TimeLine } from "#domain/spend/fit-call.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import { overBudget } from "#domain/spend/over-budget.ts";
import { costOf, FREE, type ModelPrice } from "#domain/spend/price.ts";
import type { SpendRepository } from "#domain/spend/spend-repository.ts";
import type { User } from "#domain/user/user.ts";
import type { NowMs } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type {
  BudgetAnswer,
  PlannedAttempt,
  SpendingTurn,
  TimeLeft,
  TurnBudget,
} from "../ports/turn-budget.ts";
import { whileStoreIsAway } from "../ports/while-store-is-away.ts";
import { type BudgetSettings, budgetsOf, isUnlimited } from "./budget-settings.ts";

export interface KeepBudgetsDeps {
  readonly spends: Pick<SpendRepository, "read" | "reserve">;
  readonly findUser: (userId: UserId) => Promise<User | undefined>;
  /** As they are now. */
  readonly settings: () => BudgetSettings;
  /** The model that a name or alias stands for now, and what it costs, if that is known. */
  readonly priceOf: (model: string) => {
    readonly model: string;
    readonly price: ModelPrice | undefined;
    /** What a picture takes at most. */
    readonly imageTokens: number;
  };
  readonly nowMs: NowMs;
  readonly log: Logger;
}

/** What is counted beforehand is on the safe side by this much: services count differently. */
const INPUT_MARGIN = 1.25;
const INPUT_MARGIN_TOKENS = 64;
const LEAST_ANSWER_TOKENS = 16;
/** Where others spend from the same budget at the same time, what is left may be less by then. */
const MOST_TRIES = 4;

/**
 * Holds turns to `budgets.yaml`: a call is made when it stays within all budgets whatever comes of
 * it, and what it may take is set aside first, so that no crash and no other call makes it too much.
 */
export function createTurnBudget(deps: KeepBudgetsDeps): TurnBudget {
  const unpriced = new Set<string>();

  function admit(attempt: PlannedAttempt): BudgetAnswer | Promise<BudgetAnswer> {
    const settings = deps.settings();
    return isUnlimited(settings) ? { kind: "admitted" } : admitWithin(attempt, settings);
  }

  async function admitWithin(
    attempt: PlannedAttempt,
    settings: BudgetSettings,
  ): Promise<BudgetAnswer> {
    const { call, dispatch } = attempt;
    const budgets = await readBudgets(attempt, settings);
    if (Object.keys(budgets).length === 0) return { kind: "admitted" };
    const { model, price, imageTokens } = deps.priceOf(call.model);
    if (price === undefined && isOfMoney(budgets))
      return { kind: "refused", failure: withoutPrice(model) };
    const isBounded = isBounding(budgets);
    const intended = {
      inputTokens: isBounded ? boundInput(attempt, imageTokens) : 0,
      outputTokens: isBounded ? settings.answerTokens : 0,
      leastOutputTokens: isBounded ? LEAST_ANSWER_TOKENS : 0,
      price: price ?? FREE,
    };
    for (let tries = 1; ; tries += 1) {
      const fitted = fitCall(intended, budgets, await readSpent(attempt));
      if (fitted.kind === "over-budget") return refused(fitted.line);
      const { outputTokens, costNanoUsd, time } = fitted;
      const usage = { inputTokens: intended.inputTokens, outputTokens, isEstimated: true };
      const reservation = {
        call: { ...call, model, usage, costNanoUsd },
        epoch: dispatch.epoch,
        budgets,
        nowMs: deps.nowMs(),
      };
      // Where the answer was lost the call is found on record, and not counted again.
      const reserve = () => deps.spends.reserve(reservation);
      const result = await whileStoreIsAway(attempt.signal, reserve);
      if (result.kind === "reserved") {
        return {
          kind: "admitted",
          ...(isBounded && { maxOutputTokens: outputTokens }),
          ...(time !== undefined && { time: toTimeLeft(time) }),
        };
      }
      if (tries === MOST_TRIES) return refused(result.line);
      if (tries === 1) await attempt.save();
    }
  }

  function timeLeft(turn: SpendingTurn): undefined | Promise<TimeLeft | undefined> {
    const settings = deps.settings();
    return isUnlimited(settings) ? undefined : timeLeftWithin(turn, settings);
  }

  async function timeLeftWithin(
    turn: SpendingTurn,
    settings: BudgetSettings,
  ): Promise<TimeLeft | undefined> {
    const budgets = await readBudgets(turn, settings);
    if (Object.values(budgets).every(({ wallMs }) => wallMs === undefined)) return undefined;
    const time = findTime(budgets, await readSpent(turn));
    return time && toTimeLeft(time);
  }

  async function readBudgets(
    { dispatch, signal }: SpendingTurn,
    settings: BudgetSettings,
  ): Promise<Budgets> {
    const { userId: id } = dispatch;
    const user = await whileStoreIsAway(signal, () => deps.findUser(id));
    return budgetsOf(user ?? { id, name: "", role: "member" }, settings);
  }

  function toTimeLeft({ leftMs, line }: TimeLine): TimeLeft {
    return { leftMs, failure: overBudget(line, deps.nowMs()) };
  }

  /**
   * What the store knows, less what it has set aside for calls of this turn that took less, and
   * more by what the turn has spent that is not stored yet.
   */
  async function readSpent({ dispatch, turnSpend, signal }: SpendingTurn) {
    const { turnId, sessionId, userId } = dispatch;
    const day = dayOf(deps.nowMs());
    const read = () => deps.spends.read({ turnId, sessionId, userId, day });
    const stored = await whileStoreIsAway(signal, read);
    const unsaved = difference(turnSpend, stored.turn);
    return {
      turn: addSpend(stored.turn, unsaved),
      session: addSpend(stored.session, unsaved),
      user: addSpend(stored.user, unsaved),
      day: addSpend(stored.day, unsaved),
    };
  }

  function refused(line: BudgetLine): BudgetAnswer {
    return { kind: "refused", failure: overBudget(line, deps.nowMs()) };
  }

  function settle(call: ModelCall): ModelCall {
    const { model, price } = deps.priceOf(call.model);
    if (price === undefined && !unpriced.has(model)) {
      unpriced.add(model);
      deps.log.warn({ model }, "A model has no price: what it takes counts as free");
    }
    return { ...call, model, costNanoUsd: costOf(price ?? FREE, call.usage) };
  }

  return { admit, timeLeft, settle };
}

/** What the model may have to read at most, whatever its service counts as a token. */
function boundInput({ input, inputTokens }: PlannedAttempt, imageTokens: number): number {
  const most = Math.max(inputTokens, countInput(input, boundTokens, imageTokens));
  return Math.ceil(most * INPUT_MARGIN) + INPUT_MARGIN_TOKENS;
}

/** Whether the answer's length is a matter of any of `budgets`. */
function isBounding(budgets: Budgets): boolean {
  return Object.values(budgets).some(
    ({ tokens, costNanoUsd }) => tokens !== undefined || costNanoUsd !== undefined,
  );
}

/** Whether any of `budgets` is in money. */
function isOfMoney(budgets: Budgets): boolean {
  return Object.values(budgets).some(({ costNanoUsd }) => costNanoUsd !== undefined);
}

function withoutPrice(model: string): Failure {
  const message = `Cannot ask model "${model}" under a budget in money: it has no price; add it to models.yaml, prices`;
  return { code: "BUDGET_EXCEEDED", message };
}

function difference(one: Spend, other: Spend): Spend {
  return {
    steps: one.steps - other.steps,
    tokens: one.tokens - other.tokens,
    costNanoUsd: one.costNanoUsd - other.costNanoUsd,
    wallMs: one.wallMs - other.wallMs,
  };
}
