import type { ToolOutcome } from "#domain/message/message.ts";
import { parseTaskId, type ToolCallId, type TurnId, type UserId } from "#domain/shared/id.ts";
import type { SkillTool } from "#domain/skill/skill.ts";
import { NO_USAGE, type Task, type TaskState } from "#domain/task/task.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { ToolCallInput } from "../ports/llm.ts";
import type { Sandbox, SandboxResult } from "../ports/sandbox.ts";

/** A call as a model asked for it. */
export interface ToolCall {
  readonly toolCallId: ToolCallId;
  /** `<skill>.<tool>`; there may be no such tool. */
  readonly name: string;
  readonly input: ToolCallInput;
}

/** A call that can be made: there is such a tool, and its input is JSON. */
export interface PreparedCall {
  readonly kind: "prepared";
  readonly tool: SkillTool;
  /** The task as it is before the call. */
  readonly task: Task;
}

export interface InvokeSkillDeps {
  readonly sandbox: Sandbox;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

/** Turns a model's call into a task, or says why there is nothing to call. */
export function createPrepareCall({ sandbox, newId, nowMs }: InvokeSkillDeps) {
  return function prepareCall(
    turnId: TurnId,
    { toolCallId, name, input }: ToolCall,
  ): PreparedCall | (ToolOutcome & { kind: "error" }) {
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
      turnId,
      toolCallId,
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

/** Runs a prepared call in the sandbox; gives the outcome and the task as it ended. */
export function createInvokeSkill({ sandbox, nowMs }: Pick<InvokeSkillDeps, "sandbox" | "nowMs">) {
  return async function invokeSkill(
    task: Task,
    userId: UserId,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: ToolOutcome; readonly task: Task }> {
    const { skill, tool, input } = task;
    const result = await sandbox.invoke({ skill, tool, input, userId }, signal);
    const { skillDigest, policyHash, outcome } = result;
    const state = stateOf(result, nowMs());
    return { outcome, task: { ...task, skillDigest, policyHash, state } };
  };
}

/** A call that a restart cut off after it had begun. Nobody knows whether it took effect. */
export function interruptedOutcome(): ToolOutcome {
  const message = "Nexflow stopped during this call; whether it took effect is not known";
  return { kind: "error", code: "interrupted", message };
}

/** The end of a task whose call was never made or never answered. */
export function failTask(task: Task, code: string, message: string, nowMs: number): Task {
  const failure = { code, message };
  return { ...task, state: { kind: "failed", endedAtMs: nowMs, failure, usage: NO_USAGE } };
}

const ENDS = { "wall-time": "timed-out", "cpu-time": "timed-out", cancelled: "cancelled" } as const;

function stateOf({ outcome, usage }: SandboxResult, endedAtMs: number): TaskState {
  if (outcome.kind === "ok") {
    return { kind: "completed", endedAtMs, output: outcome.output, usage };
  }
  const { code, message } = outcome;
  const kind = code in ENDS ? ENDS[code as keyof typeof ENDS] : "failed";
  return { kind, endedAtMs, failure: { code, message }, usage };
}
