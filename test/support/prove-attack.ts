import { test } from "vitest";
import { AttackRange } from "../../runtime/proof/attack-range.ts";
import { ATTACKS } from "../../runtime/proof/attacks.ts";
import { POLICY_DIR } from "./policy-dir.ts";

/** The test of one attack: the sandbox holds it, and it ends as expected under the shipped policy. */
export function proveAttack(name: string): void {
  const attack = ATTACKS.find((each) => each.name === name);
  if (attack === undefined) throw new RangeError(`Cannot find the attack "${name}"`);
  test(`a skill that does this is contained: ${attack.about}`, async ({ expect }) => {
    await using range = await AttackRange.open({ policyDir: POLICY_DIR, maxProcesses: 2 });
    const { faults, outcomes } = await range.prove(attack);
    expect(faults).toEqual([]);
    for (const outcome of outcomes) expect(attack.expect).toContain(outcome);
  });
}
