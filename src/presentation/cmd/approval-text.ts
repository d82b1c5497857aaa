import type { JsonValue } from "#domain/shared/json.ts";
import { escapeUnseen } from "#domain/shared/unseen.ts";
import type { ShownApproval, ShownScope } from "./approval-access.ts";
import type { ShownCard } from "./chat-protocol.ts";
import { toPlainText, toTable } from "./output.ts";

/** What somebody reads before they decide. */
export function toCardText(card: ShownCard, nowMs: number): string {
  const { tool, input, reaches, rule, reason, expiresAtMs } = card;
  const rows = [
    ["  because", `${reason} (${rule})`],
    ["  reaches", reaches.join("; ") || "nothing beyond its own result"],
    ["  open for", toSpan(expiresAtMs - nowMs)],
  ];
  return toPlainText([`Approve ${tool}?`, toTable(rows), indent(toShownJson(input))].join("\n"));
}

export function toApprovalTable(approvals: readonly ShownApproval[]): string {
  if (approvals.length === 0) return "No approvals";
  const head = ["ID", "STATE", "TOOL", "ASKED", "SCOPE", "INPUT"];
  const rows = approvals.map(({ id, state, card, requestedAtMs, scope }) => [
    id,
    state,
    card.tool,
    new Date(requestedAtMs).toISOString(),
    scope === undefined ? "" : toScopeText(scope),
    shorten(toShownJson(card.input).replaceAll(/\s+/gu, " ")),
  ]);
  return toPlainText(toTable([head, ...rows]));
}

const INPUT_CHARS = 60;

function toShownJson(value: JsonValue): string {
  return escapeUnseen(JSON.stringify(value, undefined, 2) ?? "null");
}

function toScopeText(scope: ShownScope): string {
  switch (scope.kind) {
    case "once":
      return scope.isUsed ? "once, used" : "once";
    case "session":
      return "session";
    case "pattern": {
      const until = new Date(scope.expiresAtMs).toISOString();
      return `${scope.usesLeft} more with ${JSON.stringify(scope.fixed)} until ${until}`;
    }
    default:
      return scope satisfies never;
  }
}

function toSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function shorten(text: string): string {
  return text.length <= INPUT_CHARS ? text : `${text.slice(0, INPUT_CHARS - 1)}…`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gmu, "  ");
}
