import { test } from "vitest";
import type { Attack } from "../../runtime/proof/attack.ts";
import { AttackRange } from "../../runtime/proof/attack-range.ts";
import { ATTACKS } from "../../runtime/proof/attacks.ts";
import { PROOF_RUNTIME } from "../../runtime/proof/prove-sandbox.ts";
import { POLICY_DIR } from "./policy-dir.ts";

/** The test of one attack: the sandbox holds it, and it ends as expected under the shipped policy. */
export function proveAttack(name: string): void {
  const attack = ATTACKS.find((each) => each.name === name);
  if (attack === undefined) throw new RangeError(`Cannot find the attack "${name}"`);
  test(`a skill that does this is contained: ${attack.about}`, async ({ expect }) => {
    await using range = await openRange(attack);
    const { faults, outcomes } = await range.prove(attack);
    expect(faults).toEqual([]);
    for (const outcome of outcomes) expect(attack.expect).toContain(outcome);
  });
}

function openRange({ group }: Attack): Promise<AttackRange> {
  const options = { ...PROOF_RUNTIME, maxProcesses: 4 };
  return group === "network"
    ? AttackRange.openOnNetwork(options)
    : AttackRange.open({ ...options, policyDir: POLICY_DIR });
}
