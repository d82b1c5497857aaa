import type { SkillCode } from "../invoke.ts";
import type { RuntimeNotice } from "../runtime.ts";
import { type EffectivePolicy, toEffectivePolicy } from "./effective-policy.ts";
import { readPolicies } from "./read-policies.ts";
import type { SandboxPolicy } from "./sandbox-policy.ts";

/** The policies in force and what each skill has under them, worked out once. */
export class PolicyBook {
  readonly #policies: readonly SandboxPolicy[];
  readonly #effective = new WeakMap<SkillCode, Map<string, EffectivePolicy>>();

  private constructor(policies: readonly SandboxPolicy[]) {
    this.#policies = policies;
  }

  /** Reads the policies of `dir`. Rejects with `PolicyError`. */
  static async open(dir: string, _onNotice: (notice: RuntimeNotice) => void): Promise<PolicyBook> {
    return new PolicyBook(await readPolicies(dir));
  }

  /** What `skill` has in a call with `label`. A call keeps what it was given. */
  effective(skill: SkillCode, label = ""): EffectivePolicy {
    const known = this.#effective.get(skill) ?? new Map<string, EffectivePolicy>();
    const before = known.get(label);
    if (before !== undefined) return before;
    const policy = toEffectivePolicy(this.#policies, skill, { label });
    this.#effective.set(skill, known.set(label, policy));
    return policy;
  }

  close(): void {
    // Nothing is watched yet.
  }
}
