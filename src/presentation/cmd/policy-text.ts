import { toTable } from "./output.ts";
import type {
  CallReport,
  PolicyChange,
  PolicyDiffReport,
  RightRow,
  RightsReport,
} from "./policy-reports.ts";

/** Who decides about each right and limit, as tables. */
export function toRightsText({
  policy,
  passedOver,
  limits,
  grants,
  calls,
  hash,
}: RightsReport): string {
  const decides =
    policy === undefined
      ? "No policy matches: every call is denied"
      : `Policy ${policy.name} (${policy.file}) decides: mode ${policy.mode}, ` +
        `users ${policy.users}, record ${policy.record}`;
  const others = passedOver.map(({ name, rule, reason }) => [`  not ${name}`, rule, reason]);
  return [
    [decides, ...(others.length === 0 ? [] : [toTable(others)])].join("\n"),
    ...(policy === undefined
      ? []
      : [
          toTable(limits.map((row) => [row.name, String(row.value), row.rule, toConsidered(row)])),
          toTable(
            grants.map((row) => [row.name, row.verdict, row.value, row.rule, toConsidered(row)]),
          ),
          toTable(
            calls.map(({ tool, verdict, rule, facts }) => [
              `call ${tool}`,
              verdict,
              rule,
              facts.join(", "),
            ]),
          ),
          ...toReaches(calls),
        ]),
    `Policy hash ${hash}`,
  ].join("\n\n");
}

/** All tools of a skill reach the same. */
function toReaches(calls: RightsReport["calls"]): readonly string[] {
  const reaches = [...new Set(calls.flatMap((each) => each.reaches))];
  return reaches.length === 0
    ? []
    : [["Reaches", ...reaches.map((each) => `  ${each}`)].join("\n")];
}

/** What would become of one host call. */
export function toCallText(asked: string, { ruling, limits, considered }: CallReport): string {
  const rows = considered.map(({ effect, isMatch, rule, value }) => [
    `  ${effect}`,
    isMatch ? "matches" : "-",
    value,
    rule,
  ]);
  const limited =
    limits === undefined
      ? []
      : [
          `  at most ${limits.maxRequestBytes} bytes out, ${limits.maxResponseBytes} bytes in, ` +
            `${limits.timeoutMs} ms`,
        ];
  const table = rows.length === 0 ? [] : [toTable(rows)];
  return [`${asked}: ${ruling.verdict} by ${ruling.rule}`, ...limited, ...table].join("\n");
}

/** What changes, by kind. */
export function toDiffText(diff: PolicyDiffReport): string {
  const parts = [
    toPart("Allowed now", diff.allowedNow),
    toPart("Denied now", diff.deniedNow),
    toPart("Raised", diff.raised),
    toPart("Lowered", diff.lowered),
    toPart("Otherwise", diff.otherwise),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "No difference" : parts.join("\n\n");
}

function toPart(title: string, changes: readonly PolicyChange[]): string {
  if (changes.length === 0) return "";
  const rows = changes.map(({ policy, what, rule }) => [`  ${policy}`, what, rule]);
  return `${title}\n${toTable(rows)}`;
}

function toConsidered({ considered }: RightRow): string {
  return considered.map(({ rule, value }) => `${value} by ${rule}`).join("; ");
}
