/** What a credential may be used for. Which routes and frames ask for which: docs/protocol.md. */
export const SCOPES = [
  "sessions:read",
  "sessions:write",
  "approvals:read",
  "approvals:write",
  "memory:read",
  "memory:write",
  "skills:read",
  "schedules:read",
  "schedules:write",
  "users:read",
  "users:write",
  "tokens:read",
  "tokens:write",
  "audit:read",
  "brake:read",
  "brake:write",
  "metrics:read",
] as const;

export type Scope = (typeof SCOPES)[number];

/** What is stored of a credential that has every scope there is, those of later versions too. */
const ALL = "*";

/** The scopes of a credential as one text; `"all"` goes on to mean all when scopes are added. */
export function formatScopes(scopes: readonly Scope[] | "all"): string {
  if (scopes === "all") return ALL;
  return SCOPES.filter((scope) => scopes.includes(scope)).join(" ");
}

/** The scopes that `formatScopes` wrote. What no version of ours knows any more is left out. */
export function parseScopes(text: string): readonly Scope[] {
  if (text === ALL) return SCOPES;
  const given = text.split(" ");
  return SCOPES.filter((scope) => given.includes(scope));
}
