import { z } from "zod";
import { BUDGET_SCOPES, type Budgets, type Spend } from "#domain/spend/budget.ts";
import { ROLES, type User } from "#domain/user/user.ts";

const NANO_IN_USD = 1_000_000_000;

const amounts = z
  .strictObject({
    steps: z.int().min(0).max(1_000_000_000).optional(),
    tokens: z.int().min(0).max(1_000_000_000_000).optional(),
    usd: z.number().min(0).max(1_000_000).optional(),
    wallMs: z.int().min(0).max(1_000_000_000_000).optional(),
  })
  .transform(toLimits);

const ownLines = {
  turn: amounts.optional(),
  session: amounts.optional(),
  user: amounts.optional(),
};

/** What `budgets.yaml` may hold. */
export const budgetSettingsSchema = z.strictObject({
  ...ownLines,
  day: amounts.optional(),
  /** Lines that go before the common ones, by a user's id or name, */
  users: z.record(z.string(), z.strictObject(ownLines)).default({}),
  /** or by role. */
  roles: z.partialRecord(z.enum(ROLES), z.strictObject(ownLines)).default({}),
  /** The longest answer where a budget in tokens or money counts: as much is set aside for it. */
  answerTokens: z.int().min(16).max(10_000_000).default(16_384),
});

export type BudgetSettings = z.output<typeof budgetSettingsSchema>;

/** Whether nobody is held to anything. */
export function isUnlimited({ users, roles, ...common }: BudgetSettings): boolean {
  const hasOwn = Object.keys(users).length > 0 || Object.keys(roles).length > 0;
  return !hasOwn && BUDGET_SCOPES.every((scope) => common[scope] === undefined);
}

/** What `user` is held to: line by line their own, else those of their role, else the common ones. */
export function budgetsOf(
  { id, name, role }: Pick<User, "id" | "name" | "role">,
  { users, roles, ...common }: BudgetSettings,
): Budgets {
  const own = findOwn(users, id) ?? findOwn(users, name);
  const scopes = BUDGET_SCOPES.map((scope) => {
    const special = scope === "day" ? [] : [roles[role]?.[scope], own?.[scope]];
    return [scope, Object.assign({}, common[scope], ...special)] as const;
  });
  return Object.fromEntries(scopes.filter(([, lines]) => Object.keys(lines).length > 0));
}

function findOwn<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function toLimits({
  usd,
  ...limits
}: {
  readonly steps?: number | undefined;
  readonly tokens?: number | undefined;
  readonly usd?: number | undefined;
  readonly wallMs?: number | undefined;
}): Partial<Spend> {
  const costNanoUsd = usd === undefined ? undefined : Math.floor(usd * NANO_IN_USD);
  const given = Object.entries({ ...limits, costNanoUsd }).filter(([, each]) => each !== undefined);
  return Object.fromEntries(given);
}
