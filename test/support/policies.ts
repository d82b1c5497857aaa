import { readFileSync } from "node:fs";
import { parsePolicy, type SandboxPolicy } from "../../runtime/policy/sandbox-policy.ts";

const DIR = new URL("../../sandbox-policies/", import.meta.url);

/** A shipped policy. */
export function readShipped(name: string): SandboxPolicy {
  return parsePolicy(readFileSync(new URL(`${name}.yaml`, DIR), "utf8"), `${name}.yaml`);
}

export interface PolicyParts {
  readonly name?: string;
  readonly priority?: number;
  /** YAML of the whole lines `match: ...`, `grants: ...` and so on. */
  readonly match?: string;
  readonly mode?: SandboxPolicy["mode"];
  readonly wallMs?: number;
  readonly cpuMs?: number;
  readonly queueMs?: number;
  readonly grants?: string;
  /** Further lines. */
  readonly more?: string;
}

/** The text of a policy for any skill that grants nothing unless told otherwise. */
export function policyText(parts: PolicyParts = {}): string {
  const { name = "p", priority = 0, mode = "enforce", wallMs = 1_000, more = "" } = parts;
  const { cpuMs = 1_000, queueMs = 2_000 } = parts;
  const { match = '{ trust: [first-party, verified, community], skills: ["*"] }' } = parts;
  return `apiVersion: nexflow.dev/sandbox/v1
kind: SandboxPolicy
metadata: { name: ${name}, priority: ${priority} }
match: ${match}
mode: ${mode}
ceiling:
  wallMs: ${wallMs}
  cpuMs: ${cpuMs}
  memoryMiB: 64
  outputKiB: 64
  logKiB: 64
  hostCalls: { total: 100, perSecond: 50, atOnce: 4 }
  concurrency: { perSkill: 8, perUser: 16 }
  queueMs: ${queueMs}
grants: ${parts.grants ?? "{}"}
${more}`;
}

export function createPolicy(parts: PolicyParts = {}): SandboxPolicy {
  return parsePolicy(policyText(parts), `${parts.name ?? "p"}.yaml`);
}
