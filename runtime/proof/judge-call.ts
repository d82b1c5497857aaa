import type { InvokeResult, SkillError } from "../invoke.ts";
import type { Limits } from "../policy/limits.ts";
import type { Attack, AttackEvidence, AttackOutcome } from "./attack.ts";
import type { SkillParts } from "./create-skill.ts";
import { FORBIDDEN_TEXT } from "./network/proof-servers.ts";

/** An attack whose skill is made. */
export interface JudgedAttack extends Attack {
  readonly skill: SkillParts;
}

/**
 * Why the end of one call of `attack` is a breach: it ended in no expected way, its error does not
 * say what it must, or the records do not tell of it. Contained is also what the operator's own
 * policy denied.
 */
export function judgeCall(attack: JudgedAttack, evidence: AttackEvidence): readonly string[] {
  const { result } = evidence;
  const outcome = toOutcome(result);
  if (!attack.expect.includes(outcome)) {
    return isDeniedByPolicy(result) ? [] : [`a call ended with ${toText(result)}`];
  }
  const objections = [
    result.kind === "error" ? findErrorFault(result.error, attack) : undefined,
    findRecordFault(evidence),
    findNetworkFault(evidence),
    attack.verify?.(evidence),
  ];
  return objections.filter((each) => each !== undefined);
}

/** Whether a line of a policy denied what the attack needs. */
function isDeniedByPolicy(result: InvokeResult): boolean {
  return (
    result.kind === "error" &&
    result.error.code === "denied" &&
    /^no policy$|^[^:]+\.yaml\b/u.test(result.error.rule ?? "")
  );
}

export function toOutcome(result: InvokeResult): AttackOutcome {
  return result.kind === "ok" ? "ok" : result.error.code;
}

const MAX_SHOWN_CHARS = 160;

function toText(result: InvokeResult): string {
  return result.kind === "ok"
    ? `ok: ${JSON.stringify(result.output).slice(0, MAX_SHOWN_CHARS)}`
    : `${result.error.code}: ${result.error.message}`;
}

const LIMIT_OF: Partial<Record<AttackOutcome, keyof Limits>> = {
  "wall-time": "wallMs",
  "cpu-time": "cpuMs",
  memory: "memoryMiB",
  "output-size": "outputKiB",
  "log-size": "logKiB",
  "host-calls": "hostCalls",
};

/** An error of a limit names the limit, what was used and the line; a denial names the line. */
function findErrorFault(
  { code, limit, used, rule }: SkillError,
  { skill }: JudgedAttack,
): string | undefined {
  const name = LIMIT_OF[code];
  if (name === undefined) {
    return code === "denied" && rule === undefined ? "a denial names no rule" : undefined;
  }
  if (limit === undefined || used === undefined || rule === undefined) {
    return `the error "${code}" does not name its limit, use and rule`;
  }
  if (used < limit) return `the error "${code}" tells of ${used} used of ${limit}`;
  const asked: Partial<Record<string, number>> = skill.limits ?? {};
  const own = asked[name];
  const isManifest = rule === `manifest: limits.${name}`;
  if (own !== undefined && limit > own) return `its limit ${name} is ${limit}, it asked for ${own}`;
  if (isManifest ? limit === own : /^[^:]+(?::\d+)?: \w/u.test(rule)) return undefined;
  return `the limit ${name} of ${limit} is said to be set by "${rule}"`;
}

function findRecordFault({ result, record, hostCalls }: AttackEvidence): string | undefined {
  const gap = hostCalls.findIndex(({ seq }, index) => seq !== index + 1);
  if (gap !== -1) return `host call ${gap + 1} is not on record`;
  const isOtherPolicy = hostCalls.some(({ policyHash }) => policyHash !== result.policyHash);
  if (isOtherPolicy) return "a host call is recorded under another policy's hash";
  if (record === undefined) return "the call is not on record";
  if (record.outcome !== toOutcome(result)) return `the call is on record as ${record.outcome}`;
  if (record.hostCalls !== hostCalls.length) {
    return `${record.hostCalls} host calls are counted and ${hostCalls.length} on record`;
  }
  if (record.policyHash !== result.policyHash) return "the call is recorded under another policy";
  return undefined;
}

function findNetworkFault({ result, hostCalls, logs, visits, secret }: AttackEvidence) {
  const forbidden = visits.find((each) => each.kind === "forbidden");
  if (forbidden !== undefined) return `it connected to a server on ${forbidden.place}`;
  const text = JSON.stringify([result, logs, hostCalls]);
  if (text.includes(FORBIDDEN_TEXT)) return "it read what it may not";
  return secret !== undefined && text.includes(secret) ? "a secret was shown" : undefined;
}
