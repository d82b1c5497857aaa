import {
  addSpend,
  BUDGET_SCOPES,
  type BudgetLine,
  type BudgetScope,
  dayOf,
  NO_SPEND,
  type Spend,
} from "#domain/spend/budget.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type {
  ReadSpend,
  ReserveModelCall,
  ReserveResult,
  SpendRepository,
} from "#domain/spend/spend-repository.ts";

interface TimeOfTurn extends ReadSpend {
  readonly ranMs: number;
}

/** What was spent, in memory. Time that turns ran is added by hand. */
export class MemorySpends implements SpendRepository {
  readonly calls = new Map<string, ModelCall>();
  /** How long everything ran, whatever it was. */
  ranMs = 0;
  readonly #times: TimeOfTurn[] = [];
  /** Done by somebody else before the next reservation is looked at. */
  meanwhile: (() => void) | undefined;

  async read(input: ReadSpend): Promise<Record<BudgetScope, Spend>> {
    return this.#sums(input);
  }

  async reserve({ call, budgets }: ReserveModelCall): Promise<ReserveResult> {
    const { meanwhile } = this;
    this.meanwhile = undefined;
    meanwhile?.();
    if (this.calls.has(call.id)) return { kind: "reserved" };
    const spent = this.#sums({ ...call, day: dayOf(call.startedAtMs) });
    const more = spendOf(call);
    for (const scope of BUDGET_SCOPES) {
      for (const [measure, limit] of Object.entries(budgets[scope] ?? {})) {
        const line = { scope, measure, limit, spent: 0 } as BudgetLine;
        const before = spent[scope][line.measure];
        const isOver = measure === "wallMs" ? before >= limit : before + more[line.measure] > limit;
        if (isOver) return { kind: "over-budget", line: { ...line, spent: before } };
      }
    }
    this.put(call);
    return { kind: "reserved" };
  }

  async listModelCalls(turnId: string): Promise<readonly ModelCall[]> {
    return [...this.calls.values()].filter((call) => call.turnId === turnId);
  }

  put(call: ModelCall): void {
    this.calls.set(call.id, call);
  }

  addTime(time: TimeOfTurn): void {
    this.#times.push(time);
  }

  #sums({ turnId, sessionId, userId, day }: ReadSpend): Record<BudgetScope, Spend> {
    const sum = (isOf: (spender: ReadSpend) => boolean) => {
      const isCounted = (call: ModelCall) => isOf({ ...call, day: dayOf(call.startedAtMs) });
      const times = this.#times.filter(isOf).map(({ ranMs: wallMs }) => ({ ...NO_SPEND, wallMs }));
      const calls = [...this.calls.values()].filter(isCounted).map(spendOf);
      return [...times, ...calls].reduce(addSpend, { ...NO_SPEND, wallMs: this.ranMs });
    };
    const isToday = (spender: ReadSpend) => spender.day === day;
    return {
      turn: sum((spender) => spender.turnId === turnId),
      session: sum((spender) => spender.sessionId === sessionId),
      user: sum((spender) => spender.userId === userId && isToday(spender)),
      day: sum(isToday),
    };
  }
}

function spendOf({ usage, costNanoUsd }: ModelCall): Spend {
  return { steps: 1, tokens: usage.inputTokens + usage.outputTokens, costNanoUsd, wallMs: 0 };
}
