import { toPlainText, toTable } from "./output.ts";

/** A timeline as the API has it. */
export interface ShownTimeline {
  readonly turn: {
    readonly id: string;
    readonly sessionId: string;
    readonly state: string;
    readonly attempts: number;
    readonly createdAtMs: number;
    readonly failure?: ShownFailure | undefined;
  };
  readonly entries: readonly ShownEntry[];
  readonly totals: {
    readonly steps: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly costNanoUsd: number;
    readonly ms?: number | undefined;
  };
}

interface ShownFailure {
  readonly code: string;
  readonly message: string;
}

interface EntryTimes {
  readonly state: string;
  readonly startedAtMs: number;
  readonly endedAtMs?: number | undefined;
  readonly failure?: ShownFailure | undefined;
}

type ShownEntry = EntryTimes &
  (
    | {
        readonly kind: "model-call";
        readonly step: number;
        readonly model: string;
        readonly firstTokenAtMs?: number | undefined;
        readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
        readonly costNanoUsd: number;
      }
    | { readonly kind: "tool-call"; readonly tool: string }
    | { readonly kind: "approval"; readonly tool: string; readonly by?: string | undefined }
  );

const BAR_CHARS = 24;
const NANO = 1e9;

/** A line for the turn, a row with its place in time for each thing done, a line for the sums. */
export function toTimelineText({ turn, entries, totals }: ShownTimeline): string {
  const ends = entries.map(({ startedAtMs, endedAtMs }) => endedAtMs ?? startedAtMs);
  const fromMs = turn.createdAtMs;
  const spanMs = Math.max(1, totals.ms ?? 0, ...ends.map((endMs) => endMs - fromMs));
  const rows = entries.map((entry) => toRow(entry, fromMs, spanMs));
  const head = ["AT", "TOOK", "", "WHAT", "STATE", "DETAIL"];
  const began = turn.attempts > 1 ? `, begun ${turn.attempts} times` : "";
  return toPlainText(
    [
      `Turn ${turn.id} of session ${turn.sessionId}: ${turn.state}${began}`,
      `Accepted ${new Date(fromMs).toISOString()}`,
      ...(turn.failure === undefined ? [] : [toFailure(turn.failure)]),
      "",
      rows.length === 0 ? "Nothing is on record of what was done in it" : toTable([head, ...rows]),
      "",
      toTotals(totals),
    ].join("\n"),
  );
}

function toRow(entry: ShownEntry, fromMs: number, spanMs: number): readonly string[] {
  const { startedAtMs, endedAtMs, state, failure } = entry;
  const took = endedAtMs === undefined ? "" : toTime(endedAtMs - startedAtMs);
  const detail = failure === undefined ? toDetail(entry) : toFailure(failure);
  const bar = toBar(startedAtMs - fromMs, (endedAtMs ?? startedAtMs) - fromMs, spanMs);
  return [toTime(startedAtMs - fromMs), took, bar, toName(entry), state, detail];
}

function toName(entry: ShownEntry): string {
  switch (entry.kind) {
    case "model-call":
      return `${entry.step}. ${entry.model}`;
    case "tool-call":
      return `   ${entry.tool}`;
    case "approval":
      return `   approval of ${entry.tool}`;
    default:
      return entry satisfies never;
  }
}

function toDetail(entry: ShownEntry): string {
  if (entry.kind === "approval") return entry.by === undefined ? "" : `by ${entry.by}`;
  if (entry.kind === "tool-call") return "";
  const { usage, costNanoUsd, firstTokenAtMs, startedAtMs } = entry;
  const first =
    firstTokenAtMs === undefined ? [] : [`first token ${toTime(firstTokenAtMs - startedAtMs)}`];
  const tokens = `${usage.inputTokens} + ${usage.outputTokens} tokens`;
  return [...first, tokens, ...toCost(costNanoUsd)].join(", ");
}

function toTotals({ steps, inputTokens, outputTokens, costNanoUsd, ms }: ShownTimeline["totals"]) {
  const time = ms === undefined ? "not ended yet" : toTime(ms);
  const tokens = `${inputTokens} + ${outputTokens} tokens`;
  const counted = `${steps} ${steps === 1 ? "step" : "steps"}`;
  return [time, counted, tokens, ...toCost(costNanoUsd)].join(", ");
}

function toCost(costNanoUsd: number): readonly string[] {
  return costNanoUsd === 0 ? [] : [`$${(costNanoUsd / NANO).toFixed(6)}`];
}

function toFailure({ code, message }: ShownFailure): string {
  return `${code}: ${message.replaceAll(/\s+/gu, " ")}`;
}

function toTime(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Where in the turn's time something lay. */
function toBar(fromMs: number, toMs: number, spanMs: number): string {
  const at = (ms: number) =>
    Math.max(0, Math.min(BAR_CHARS, Math.round((ms / spanMs) * BAR_CHARS)));
  const from = Math.min(at(fromMs), BAR_CHARS - 1);
  const length = Math.max(1, at(toMs) - from);
  return "·".repeat(from) + "█".repeat(length) + "·".repeat(BAR_CHARS - from - length);
}
