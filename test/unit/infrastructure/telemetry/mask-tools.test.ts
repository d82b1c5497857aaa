import { test } from "vitest";
import type { SourceResult, ToolDecision, ToolSource } from "#application/ports/tool-source.ts";
import { Fault } from "#domain/shared/fault.ts";
import { parseTaskId, parseUserId } from "#domain/shared/id.ts";
import { NO_USAGE } from "#domain/task/task.ts";
import { newId } from "#infrastructure/ids/ids.ts";
import { maskTools } from "#infrastructure/telemetry/mask-tools.ts";
import { isSecretInSpeech, SecretMasker } from "#infrastructure/telemetry/secret-masker.ts";

const SECRET = "sk-canary-0123456789";
const userId = parseUserId(newId());
const call = { taskId: parseTaskId(newId()), skill: "a", tool: "b", input: {}, userId };
const NOTHING = { kind: "ok", output: null } as const;
const { signal } = new AbortController();

test("maskTools() masks outputs, errors and faults", async ({ expect }) => {
  const ok = maskedSource({ kind: "ok", output: { body: [`x ${SECRET}`] } });
  expect((await ok.invoke(call, signal)).outcome).toEqual({
    kind: "ok",
    output: { body: ["x [redacted]"] },
  });
  const bad = maskedSource({ kind: "error", code: "failed", message: `at ${SECRET}` });
  expect((await bad.invoke(call, signal)).outcome).toMatchObject({ message: "at [redacted]" });
  const dead = maskedSource(new Fault("SANDBOX_UNAVAILABLE", `no ${SECRET}`));
  await expect(dead.invoke(call, signal)).rejects.toMatchObject({ message: "no [redacted]" });
});

test("maskTools() masks what policy says to people", ({ expect }) => {
  const facts = {
    rule: "default.yaml:3",
    policyHash: "hash",
    reaches: [`https://user:${SECRET}@host (GET)`],
    bringsUntrusted: true,
    actsOutside: false,
    holdsPrivate: false,
  };
  const asked = maskedSource(NOTHING, {
    kind: "ask",
    facts,
    expiresInMs: 1,
    reason: `for ${SECRET}`,
  });
  expect(asked.decide({ skill: "a", tool: "b", userId })).toMatchObject({
    reason: "for [redacted]",
    facts: { reaches: ["https://user:[redacted]@host (GET)"], policyHash: "hash" },
  });
  const denied = maskedSource(NOTHING, { kind: "deny", rule: "r", message: `not ${SECRET}` });
  expect(denied.decide({ skill: "a", tool: "b", userId })).toMatchObject({
    message: "not [redacted]",
  });
});

function maskedSource(
  outcome: SourceResult["outcome"] | Fault,
  decision: ToolDecision = { kind: "deny", rule: "", message: "" },
): ToolSource {
  const source: ToolSource = {
    listSkills: () => [],
    decide: () => decision,
    async invoke() {
      if (outcome instanceof Fault) throw outcome;
      return { outcome, usage: NO_USAGE, skillDigest: "d", policyHash: "p" };
    },
  };
  return maskTools(source, new SecretMasker(isSecretInSpeech, [SECRET]));
}
