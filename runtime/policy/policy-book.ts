import type { SkillCode } from "../invoke.ts";
import type { RuntimeNotice } from "../runtime.ts";
import { type CallDecision, decideCall } from "./decide-call.ts";
import { type EffectivePolicy, toEffectivePolicy } from "./effective-policy.ts";
import { readPolicies } from "./read-policies.ts";
import type { SandboxPolicy } from "./sandbox-policy.ts";
import { watchPolicies } from "./watch-policies.ts";

/**
 * The policies in force and what each skill has under them, worked out once. Follows its folder:
 * calls from a change on get the new rights, and where the folder cannot be used the last good ones
 * stay in force.
 */
export class PolicyBook {
  readonly #watch: { readonly close: () => void };
  #policies: readonly SandboxPolicy[] = [];
  #labels: ReadonlySet<string> = new Set();
  #effective = new WeakMap<SkillCode, Map<string, EffectivePolicy>>();
  readonly #decisions = new WeakMap<EffectivePolicy, Map<string, CallDecision>>();
  #isRead = false;

  private constructor(dir: string, onNotice: (notice: RuntimeNotice) => void) {
    this.#watch = watchPolicies(dir, {
      onChange: (policies) => {
        this.#use(policies);
        const names = policies.map(({ metadata }) => metadata.name);
        onNotice({ kind: "policies-loaded", policies: names });
      },
      onFault: ({ message }) => onNotice({ kind: "policies-rejected", message }),
    });
  }

  /** Reads the policies of `dir`. Rejects with `PolicyError`. To be closed. */
  static async open(dir: string, onNotice: (notice: RuntimeNotice) => void): Promise<PolicyBook> {
    // Watched before it is read: a change in between is not missed.
    const book = new PolicyBook(dir, (notice) => {
      if (book.#isRead) onNotice(notice);
    });
    try {
      const policies = await readPolicies(dir);
      if (!book.#isRead) book.#use(policies);
      return book;
    } catch (error) {
      book.close();
      throw error;
    }
  }

  /** What `skill` has in a call with a label. A call keeps what it was given. */
  effective(skill: SkillCode, asked = ""): EffectivePolicy {
    // A label that no policy knows is none.
    const label = this.#labels.has(asked) ? asked : "";
    const known = this.#effective.get(skill) ?? new Map<string, EffectivePolicy>();
    const before = known.get(label);
    if (before !== undefined) return before;
    const policy = toEffectivePolicy(this.#policies, skill, { label });
    this.#effective.set(skill, known.set(label, policy));
    return policy;
  }

  /** What becomes of a call of `tool` before it is made. */
  decide(skill: SkillCode, tool: string, label?: string): CallDecision {
    const policy = this.effective(skill, label);
    const known = this.#decisions.get(policy) ?? new Map<string, CallDecision>();
    const before = known.get(tool);
    if (before !== undefined) return before;
    const decision = decideCall(policy, skill, tool);
    // What is no tool's name is a model's invention: there is no end to those.
    if (skill.tools.some(({ name }) => name === tool)) {
      this.#decisions.set(policy, known.set(tool, decision));
    }
    return decision;
  }

  close(): void {
    this.#watch.close();
  }

  #use(policies: readonly SandboxPolicy[]): void {
    this.#policies = policies;
    this.#labels = new Set(policies.flatMap(({ match }) => match.labels ?? []));
    this.#effective = new WeakMap();
    this.#isRead = true;
  }
}
