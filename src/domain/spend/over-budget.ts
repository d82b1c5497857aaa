import type { Failure } from "../shared/fault.ts";
import { type BudgetLine, type BudgetScope, dayOf, type Spend } from "./budget.ts";

/** How a turn fails that a budget does not let go on; says when there is something to spend again. */
export function overBudget({ scope, measure, limit, spent }: BudgetLine, nowMs: number): Failure {
  const used = `${show(measure, [spent, limit])} are spent`;
  const again = FREE_AGAIN[scope] ?? `there is more from ${nextDay(nowMs)} on`;
  return {
    code: "BUDGET_EXCEEDED",
    message: `The budget of ${WHOSE[scope]} does not let the turn go on: ${used}; ${again}`,
  };
}

const WHOSE: Readonly<Record<BudgetScope, string>> = {
  turn: "this turn",
  session: "this session",
  user: "this user for today",
  day: "all users for today",
};

/** Budgets of a day are free again with the next one. */
const FREE_AGAIN: { readonly [scope in BudgetScope]?: string } = {
  turn: "the next message has its own",
  session: "another session has its own",
};

const DAY_MS = 86_400_000;

function nextDay(nowMs: number): string {
  return `${dayOf(nowMs + DAY_MS)}T00:00Z`;
}

function show(measure: keyof Spend, amounts: readonly number[]): string {
  switch (measure) {
    case "steps":
    case "tokens":
      return `${amounts.join(" of ")} ${measure}`;
    case "costNanoUsd":
      return amounts.map((nano) => `$${toUsd(nano)}`).join(" of ");
    case "wallMs":
      return `${amounts.map((ms) => ms / 1_000).join(" of ")} s`;
    default:
      return measure satisfies never;
  }
}

/** Exact: "0.0123" for 12,300,000 billionths. */
function toUsd(nano: number): string {
  const digits = String(Math.round(nano)).padStart(10, "0");
  const decimals = digits.slice(-9).replace(/0+$/u, "").padEnd(2, "0");
  return `${digits.slice(0, -9)}.${decimals}`;
}
