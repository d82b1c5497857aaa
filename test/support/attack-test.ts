import { test as baseTest, expect } from "vitest";
import {
  type InvokeResult,
  type JsonValue,
  openRuntime,
  type Runtime,
} from "../../runtime/index.ts";
import { createSkill, type SkillParts, TOOL } from "./skills.ts";

export const POLICY_DIR = new URL("../../sandbox-policies", import.meta.url).pathname;

const neighbour = createSkill({ name: "neighbour", body: "return { doubled: 2 * input.number };" });

interface AttackFixtures {
  readonly runtime: Runtime;
  /** Runs a hostile skill while neighbours work; fails when they or later calls notice. */
  readonly attack: (parts: SkillParts, input?: JsonValue) => Promise<InvokeResult>;
}

/** `test` with a runtime on the shipped policy, and `attack`. */
export const attackTest = baseTest.extend<AttackFixtures>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixtures' names from the pattern
  runtime: async ({}, use) => {
    await using runtime = await openRuntime({ policyDir: POLICY_DIR, maxProcesses: 2 });
    await use(runtime);
  },
  attack: async ({ runtime }, use) => {
    await use((parts, input = {}) => runAttack(runtime, parts, input));
  },
});

async function runAttack(
  runtime: Runtime,
  parts: SkillParts,
  input: JsonValue,
): Promise<InvokeResult> {
  await callNeighbour(runtime, 0);
  let isOver = false;
  const attack = runtime
    .invoke({ skill: createSkill(parts), tool: TOOL, input, userId: "mallory" })
    .finally(() => {
      isOver = true;
    });
  const neighbours = async () => {
    // oxlint-disable-next-line no-await-in-loop, no-unmodified-loop-condition -- until the attack is over
    do await callNeighbour(runtime, 1);
    while (!isOver);
  };
  const [result] = await Promise.all([attack, neighbours()]);
  await Promise.all([3, 4, 5, 6].map((number) => callNeighbour(runtime, number)));
  return result;
}

async function callNeighbour(runtime: Runtime, number: number): Promise<void> {
  const request = { skill: neighbour, tool: TOOL, input: { number }, userId: "alice" };
  const result = await runtime.invoke(request);
  expect(result).toMatchObject({ kind: "ok", output: { doubled: 2 * number } });
}
