import { test as baseTest, describe } from "vitest";
import type { Attack } from "../../../runtime/proof/attack.ts";
import { AttackRange } from "../../../runtime/proof/attack-range.ts";
import { PROOF_RUNTIME } from "../../../runtime/proof/prove-sandbox.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

interface Fixtures {
  readonly range: AttackRange;
}

const test = baseTest.extend<Fixtures>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  range: async ({}, use) => {
    await using range = await AttackRange.open({ ...PROOF_RUNTIME, policyDir: POLICY_DIR });
    await use(range);
  },
});

const attack: Attack = {
  name: "attack",
  group: "escape",
  about: "Gives back a word",
  skill: { body: 'return "word";' },
  expect: ["ok"],
};

describe("AttackRange.prove()", () => {
  test("tells how an attack ended that held", async ({ range, expect }) => {
    expect(await range.prove(attack)).toMatchObject({
      group: "escape",
      name: "attack",
      expected: ["ok"],
      outcomes: ["ok"],
      detail: '"word"',
      faults: [],
    });
  });

  test("finds a breach in an end that nobody expected", async ({ range, expect }) => {
    const { faults } = await range.prove({ ...attack, expect: ["denied"] });
    expect(faults).toEqual(['a call ended with ok: "word"']);
  });

  test("finds a breach in what an attack says of an output", async ({ range, expect }) => {
    const { faults } = await range.prove({ ...attack, verify: () => "it gave a word" });
    expect(faults).toEqual(["it gave a word"]);
  });

  test("runs the calls of a storm at once and shows those of a row what came before", async ({
    range,
    expect,
  }) => {
    const calls = [{}, {}, {}];
    const earlier: number[] = [];
    await range.prove({
      ...attack,
      calls,
      verify: (evidence) => void earlier.push(evidence.earlier.length),
    });
    expect(earlier).toEqual([0, 1, 2]);
    const storm = await range.prove({ ...attack, calls, isStorm: true });
    expect(storm).toMatchObject({ outcomes: ["ok"], faults: [] });
  });

  test("shows an attack's host calls and logs", async ({ range, expect }) => {
    const seen: unknown[] = [];
    await range.prove({
      ...attack,
      skill: { body: 'host.log("mine"); return 1;' },
      verify: ({ hostCalls, logs }) =>
        void seen.push(
          hostCalls.map(({ name }) => name),
          logs,
        ),
    });
    expect(seen).toEqual([["log"], ["mine"]]);
  });

  test("finds a breach where a neighbour's call ends otherwise", async ({ range, expect }) => {
    const proving = range.prove({
      ...attack,
      skill: { body: "for (;;);", limits: { wallMs: 1_000 } },
      expect: ["wall-time", "cancelled"],
    });
    await range.close();
    const { faults } = await proving;
    expect(faults).toContainEqual(expect.stringMatching(/^beside it, a call of "neighbour/u));
  });
});
