import { describe, test } from "vitest";
import { toOutcome } from "#infrastructure/skills/to-outcome.ts";
import type { SkillError, SkillErrorCode } from "../../../../runtime/index.ts";

const usage = { wallMs: 0, cpuMs: 0, memoryMiB: 0, outputBytes: 0 };
const failed = (error: SkillError) =>
  toOutcome({ kind: "error", error, usage, policyHash: "p1" }) as { message: string };

describe("toOutcome()", () => {
  test("gives the output of a call that went well", ({ expect }) => {
    const outcome = toOutcome({ kind: "ok", output: [1], usage, policyHash: "p1" });
    expect(outcome).toEqual({ kind: "ok", output: [1] });
  });

  test("names the rule that decided", ({ expect }) => {
    const rule = "default.yaml:14: ceiling.hostCallsPerSecond";
    const outcome = failed({ code: "host-call-rate", message: "Too many host calls", rule });
    expect(outcome).toMatchObject({ kind: "error", code: "host-call-rate" });
    expect(outcome.message).toContain(`Too many host calls (${rule}). `);
  });

  test.for<SkillErrorCode>(["concurrency", "queue-time", "overloaded"])(
    "tells the model that a call refused with %s may be made again",
    (code, { expect }) => {
      const { message } = failed({ code, message: "Too many calls" });
      expect(message).toMatch(/^Too many calls\. Nothing was run: .*may be made again/u);
    },
  );

  test("tells the model not to call a quarantined skill again", ({ expect }) => {
    const { message } = failed({ code: "quarantined", message: "Out of use" });
    expect(message).toContain("Nothing was run: do not call this skill again");
  });

  test("leaves a skill's own error as the skill said it", ({ expect }) => {
    expect(failed({ code: "failed", message: "no such city" }).message).toBe("no such city");
  });
});
