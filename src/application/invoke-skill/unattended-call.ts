import type { RecordAudit } from "#domain/audit/audit-log.ts";
import { type BrakeRepository, stoppedBy } from "#domain/brake/brake.ts";
import { type Failure, toFailure } from "#domain/shared/fault.ts";
import { findTool, toolNameOf } from "#domain/skill/tool-name.ts";
import { failTask, type Task } from "#domain/task/task.ts";
import type { NowMs } from "../ports/clock.ts";
import type { ToolRunner } from "../ports/tool-runner.ts";
import type { ToolDecision } from "../ports/tool-source.ts";
import { deniedCallEvent } from "./denied-call.ts";
import { findInputFault } from "./find-input-fault.ts";

export interface UnattendedCallDeps extends Pick<ToolRunner, "listSkills" | "decide" | "invoke"> {
  /** As the store has it at this moment. */
  readonly findBrake: BrakeRepository["find"];
  /** Told of calls that a policy denies, or that need a person where there is none. */
  readonly audit: RecordAudit;
  readonly nowMs: NowMs;
}

/**
 * Makes a call that belongs to no turn, as a schedule's, and gives its task as it ended. Nobody is
 * there to be asked: what needs an approval fails and is not called, as does everything while the
 * brake is on. Rejects with `Fault` only.
 */
export function createUnattendedCall(deps: UnattendedCallDeps) {
  const { invoke, findBrake, nowMs } = deps;
  return async function callUnattended(task: Task, signal: AbortSignal): Promise<Task> {
    const brake = await findBrake();
    if (brake !== undefined) return failTask(task, toFailure(stoppedBy(brake)), nowMs());
    const failure = findFailure(task, deps);
    if (failure !== undefined) return failTask(task, failure, nowMs());
    return (await invoke(task, signal)).task;
  };
}

/** Why the call is not made, where it is not. */
function findFailure(
  { id: callId, skill, tool, userId, input }: Task,
  { listSkills, decide, audit, nowMs }: UnattendedCallDeps,
): Failure | undefined {
  const name = toolNameOf(skill, tool);
  const found = findTool(name, listSkills());
  if (found === undefined) {
    return { code: "unknown-tool", message: `There is no tool "${name}" at the moment` };
  }
  const fault = findInputFault(found, input);
  if (fault !== undefined) return fault;
  const request = { skill, tool, userId };
  const refusal = findRefusal(decide(request), name);
  if (refusal === undefined) return undefined;
  const { failure, ...why } = refusal;
  audit(deniedCallEvent({ request, ...why, ids: { callId }, atMs: nowMs() }));
  return failure;
}

interface Refusal {
  readonly failure: Failure;
  readonly rule: string;
  readonly policyHash: string | undefined;
  readonly reason: string;
}

function findRefusal(decision: ToolDecision, name: string): Refusal | undefined {
  switch (decision.kind) {
    case "allow":
      return undefined;
    case "deny": {
      const { rule, policyHash, message: reason } = decision;
      return {
        failure: { code: "denied", message: `${reason} (${rule})` },
        rule,
        policyHash,
        reason,
      };
    }
    case "ask": {
      const { rule, policyHash } = decision.facts;
      const message =
        `"${name}" needs a person's approval (${rule}) and there is nobody to ask: expected a ` +
        "policy that allows it";
      const reason = `${decision.reason}, and there is nobody to ask`;
      return { failure: { code: "approval-needed", message }, rule, policyHash, reason };
    }
    default:
      return decision satisfies never;
  }
}
