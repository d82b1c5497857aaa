import { type Command, InvalidArgumentError } from "commander";
import { CommandError } from "./command-error.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

export interface SandboxCallsDeps {
  /** What is on record, oldest first; `undefined` where no server has run yet. */
  readonly listCalls: (query: CallQuery) => Promise<readonly RecordedCall[] | undefined>;
}

export interface CallQuery {
  readonly skill: string | undefined;
  /** Only what a policy denied, or would have denied in mode enforce. */
  readonly isDenied: boolean;
  readonly limit: number;
}

/** A call of a skill, or one of a skill to its host; with `--json` all that is on record of it. */
export type RecordedCall = CallFacts &
  (
    | {
        readonly kind: "call";
        readonly tool: string;
        readonly outcome: string;
        readonly wallMs: number;
      }
    | {
        readonly kind: "host-call";
        readonly name: string;
        readonly decision: string;
        readonly ms: number;
      }
  );

interface CallFacts {
  readonly recordedAtMs: number;
  readonly callId: string;
  readonly skill: string;
  /** What decided. */
  readonly rule: string | undefined;
}

interface CallsOptions {
  readonly skill?: string;
  readonly denied?: true;
  readonly limit: number;
}

const LIMIT_MOST = 100_000;

/** Adds `calls` to the command `sandbox`. */
export function addSandboxCallsCommand(sandbox: Command, { listCalls }: SandboxCallsDeps): void {
  sandbox
    .command("calls")
    .description("list the latest calls of skills and what they asked for, with what decided")
    .option("--skill <name>", "only those of one skill")
    .option("--denied", "only what was denied, or would have been in mode enforce")
    .option("--limit <n>", "how many at most", parseLimit, 50)
    .action(async ({ skill, denied, limit }: CallsOptions, command: Command) => {
      const calls = await listCalls({ skill, isDenied: denied === true, limit });
      if (calls === undefined) {
        throw new CommandError(
          "no-database",
          'Cannot list calls: no database in NEXFLOW_HOME yet, start "nexflow serve" first',
        );
      }
      print(isJson(command), { calls }, () => toText(calls));
    });
}

function parseLimit(raw: string): number {
  const limit = Number(raw);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MOST) return limit;
  throw new InvalidArgumentError(`expected an integer from 1 to ${LIMIT_MOST}`);
}

function toText(calls: readonly RecordedCall[]): string {
  if (calls.length === 0) return "Nothing on record";
  const head = ["TIME", "CALL", "WHAT", "DECISION", "TOOK", "RULE"];
  return toTable([head, ...calls.map((call) => toRow(call).map(toCell))]);
}

function toRow(call: RecordedCall): readonly string[] {
  const time = new Date(call.recordedAtMs).toISOString();
  const rule = call.rule ?? "";
  const took = (ms: number) => `${ms.toFixed(1)} ms`;
  return call.kind === "call"
    ? [time, call.callId, `${call.skill}.${call.tool}`, call.outcome, took(call.wallMs), rule]
    : [time, call.callId, `${call.skill} > ${call.name}`, call.decision, took(call.ms), rule];
}

/** One line, whatever a record holds. */
function toCell(text: string): string {
  return toPlainText(text).replaceAll(/\s+/gu, " ");
}
