import type { InvokeResult, SkillErrorCode } from "../invoke.ts";
import type { JsonValue } from "../protocol.ts";
import type { CallRecord, HostCallRecord } from "../runtime.ts";
import type { SkillParts } from "./create-skill.ts";
import type { Visit } from "./network/proof-servers.ts";

export const ATTACK_GROUPS = [
  "escape",
  "cpu",
  "memory",
  "output",
  "admission",
  "state-leak",
  "neighbours",
  "network",
] as const;
export type AttackGroup = (typeof ATTACK_GROUPS)[number];

/**
 * A hostile skill, what calls it, and what may come of it. Those of the group "network" run under
 * the proof's own policy, which grants a server of the proof.
 */
export interface Attack {
  /** Of its file as well, here and in the tests. */
  readonly name: string;
  readonly group: AttackGroup;
  /** What the guest does, in one sentence for operators. */
  readonly about: string;
  /** The advisory or known hole it is modelled on. */
  readonly source?: string;
  /** Made when the attack begins where that takes a while. */
  readonly skill: SkillParts | (() => SkillParts);
  /** One call with no input by default. */
  readonly calls?: readonly AttackCall[];
  /** All calls at once instead of one after the other. */
  readonly isStorm?: boolean;
  /** How a call may end. What a policy's own line denies is always contained. */
  readonly expect: readonly AttackOutcome[];
  /** Why a call that ended as expected is a breach all the same. */
  readonly verify?: (evidence: AttackEvidence) => string | undefined;
}

export type AttackOutcome = "ok" | SkillErrorCode;

export interface AttackCall {
  /** "mallory" by default; the neighbours work for "alice". */
  readonly userId?: string;
  /** On the network, with `{port}` and `{other}` for the ports of the proof's servers. */
  readonly input?: JsonValue;
}

/** What one call of an attack came to. */
export interface AttackEvidence {
  /** Which of the attack's calls this is, from 0. */
  readonly index: number;
  readonly result: InvokeResult;
  readonly record: CallRecord | undefined;
  readonly hostCalls: readonly HostCallRecord[];
  readonly logs: readonly string[];
  /** The end of the calls before it, where they came one after the other. */
  readonly earlier: readonly InvokeResult[];
  /** What came to the proof's servers. */
  readonly visits: readonly Visit[];
  /** What no guest may ever see. */
  readonly secret: string | undefined;
}
