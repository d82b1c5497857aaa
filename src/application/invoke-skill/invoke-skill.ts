import { parseTaskId } from "#domain/shared/id.ts";
import { endTask, type FinalTaskState, type Task } from "#domain/task/task.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Sandbox, SandboxResult } from "../ports/sandbox.ts";
import type { ToolRunner } from "../ports/tool-runner.ts";

export interface InvokeSkillDeps {
  readonly sandbox: Sandbox;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

/** Makes the tool runner over the sandbox. */
export function createToolRunner(deps: InvokeSkillDeps): ToolRunner {
  return { prepare: createPrepare(deps), invoke: createInvoke(deps) };
}

function createPrepare({ sandbox, newId, nowMs }: InvokeSkillDeps): ToolRunner["prepare"] {
  return ({ userId, ...turn }, { toolCallId, name, input }) => {
    const skills = sandbox.listSkills();
    const [skillName = "", toolName = ""] = name.split(".", 2);
    const skill = skills.find((candidate) => candidate.name === skillName);
    const tool = skill?.tools.find((candidate) => candidate.name === toolName);
    if (skill === undefined || tool === undefined) {
      const known = skills.flatMap((each) => each.tools.map((one) => `${each.name}.${one.name}`));
      const message = `There is no tool "${name}"; expected one of ${known.join(", ") || "none"}`;
      return { kind: "error", code: "unknown-tool", message };
    }
    if (input.kind === "malformed") {
      const message = `The input of "${name}" is not JSON: "${input.text.slice(0, 200)}"`;
      return { kind: "error", code: "invalid-input", message };
    }
    const createdAtMs = nowMs();
    const task: Task = {
      id: parseTaskId(newId()),
      userId,
      origin: { kind: "turn", ...turn, toolCallId },
      skill: skillName,
      tool: toolName,
      skillDigest: skill.digest,
      policyHash: "",
      input: input.value,
      state: { kind: "running", startedAtMs: createdAtMs },
      createdAtMs,
    };
    return { kind: "prepared", tool, task };
  };
}

function createInvoke({ sandbox, nowMs }: InvokeSkillDeps): ToolRunner["invoke"] {
  return async (task, signal) => {
    const { id: taskId, userId, skill, tool, input } = task;
    const result = await sandbox.invoke({ taskId, skill, tool, input, userId }, signal);
    const { skillDigest, policyHash, outcome } = result;
    const state = stateOf(result, nowMs());
    return { outcome, task: endTask({ ...task, skillDigest, policyHash }, state) };
  };
}

const ENDS = { "wall-time": "timed-out", "cpu-time": "timed-out", cancelled: "cancelled" } as const;

function stateOf({ outcome, usage }: SandboxResult, endedAtMs: number): FinalTaskState {
  if (outcome.kind === "ok") {
    return { kind: "completed", endedAtMs, output: outcome.output, usage };
  }
  const { code, message } = outcome;
  const kind = code in ENDS ? ENDS[code as keyof typeof ENDS] : "failed";
  return { kind, endedAtMs, failure: { code, message }, usage };
}
