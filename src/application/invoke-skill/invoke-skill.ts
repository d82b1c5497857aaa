import type { RecordAudit } from "#domain/audit/audit-log.ts";
import type { ToolOutcome } from "#domain/message/message.ts";
import { parseTaskId } from "#domain/shared/id.ts";
import type { Skill, SkillTool } from "#domain/skill/skill.ts";
import { findTool, toolNameOf } from "#domain/skill/tool-name.ts";
import { endTask, type FinalTaskState, NO_USAGE, type Task } from "#domain/task/task.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { PrepareResult, ToolRunner } from "../ports/tool-runner.ts";
import type { SourceResult, ToolSource } from "../ports/tool-source.ts";
import { checkJson, inWords } from "./check-json.ts";
import { deniedCallEvent } from "./denied-call.ts";
import { findInputFault } from "./find-input-fault.ts";

export interface InvokeSkillDeps {
  /** Of two skills with one name the earlier source's counts. */
  readonly sources: readonly ToolSource[];
  /** Told of calls that a policy denies. */
  readonly audit: RecordAudit;
  readonly newId: NewId;
  readonly nowMs: NowMs;
}

interface Found {
  readonly source: ToolSource;
  readonly skill: Skill;
  readonly tool: SkillTool;
}

const SHOWN_CHARS = 200;

/** Makes the tool runner over the sources of tools. */
export function createToolRunner(deps: InvokeSkillDeps): ToolRunner {
  return {
    listSkills: () => listSkills(deps.sources),
    prepare: createPrepare(deps),
    decide: (request) => {
      const name = toolNameOf(request.skill, request.tool);
      const { source } = find(deps.sources, name) ?? {};
      if (source !== undefined) return source.decide(request);
      return { kind: "deny", rule: "tools", message: `There is no tool "${name}"` };
    },
    invoke: createInvoke(deps),
  };
}

function listSkills([first, ...rest]: readonly ToolSource[]): readonly Skill[] {
  const skills = first?.listSkills() ?? [];
  if (rest.length === 0) return skills;
  const more = listSkills(rest).filter(({ name }) => !skills.some((each) => each.name === name));
  return more.length === 0 ? skills : [...skills, ...more];
}

/** The tool that goes by `name`, and the source that it is from. */
function find(sources: readonly ToolSource[], name: string): Found | undefined {
  const found = findTool(name, listSkills(sources));
  if (found === undefined) return undefined;
  const source = sources.find((each) => each.listSkills().includes(found.skill));
  return source && { source, ...found };
}

function createPrepare({ sources, audit, newId, nowMs }: InvokeSkillDeps): ToolRunner["prepare"] {
  return ({ userId, ...turn }, { toolCallId, name, input }): PrepareResult => {
    const found = find(sources, name);
    if (found === undefined) {
      const known = listSkills(sources).flatMap((each) =>
        each.tools.map((one) => toolNameOf(each.name, one.name)),
      );
      const message = `There is no tool "${name}"; expected one of ${known.join(", ") || "none"}`;
      return { kind: "error", code: "unknown-tool", message };
    }
    if (input.kind === "malformed") {
      const message = `The input of "${name}" is not JSON: "${input.text.slice(0, SHOWN_CHARS)}"`;
      return { kind: "error", code: "invalid-input", message };
    }
    const { source, skill, tool } = found;
    const fault = findInputFault(found, input.value);
    if (fault !== undefined) return { kind: "error", ...fault };
    const { sessionId } = turn;
    const request = { skill: skill.name, tool: tool.name, userId, sessionId };
    const decision = source.decide(request);
    if (decision.kind === "deny") {
      const { rule, policyHash, message: reason } = decision;
      const ids = { ...turn, toolCallId };
      audit(deniedCallEvent({ request, rule, policyHash, reason, ids, atMs: nowMs() }));
      const message = `${reason} (${rule}). The operator's policy decides: do not try again`;
      return { kind: "error", code: "denied", message };
    }
    const createdAtMs = nowMs();
    const task: Task = {
      id: parseTaskId(newId()),
      userId,
      origin: { kind: "turn", ...turn, toolCallId },
      skill: skill.name,
      tool: tool.name,
      skillDigest: skill.digest,
      policyHash: decision.facts.policyHash,
      input: input.value,
      state: { kind: "running", startedAtMs: createdAtMs },
      createdAtMs,
    };
    return { kind: "prepared", tool, task, decision };
  };
}

function createInvoke({ sources, nowMs }: InvokeSkillDeps): ToolRunner["invoke"] {
  return async (task, signal) => {
    const { id: taskId, userId, skill, tool, input, origin } = task;
    const turn = origin.kind === "turn" ? origin : undefined;
    const { sessionId, turnId } = turn ?? {};
    const found = find(sources, toolNameOf(skill, tool));
    if (found === undefined) {
      throw new RangeError(
        `Cannot invoke "${toolNameOf(skill, tool)}": there is no such tool any more`,
      );
    }
    if (found.skill.digest !== task.skillDigest) {
      const message = `"${toolNameOf(skill, tool)}" is another one by now than when the call was decided about; nothing was called`;
      const changed = { kind: "error", code: "changed", message } as const;
      const state = stateOf({ outcome: changed, usage: NO_USAGE }, nowMs());
      return { outcome: changed, task: endTask(task, state), untrusted: undefined };
    }
    const call = { taskId, skill, tool, input, userId, sessionId, turnId };
    const result = await found.source.invoke(call, signal);
    const outcome = checkOutput(result.outcome, found.tool);
    const { skillDigest, policyHash } = result;
    const state = stateOf({ ...result, outcome }, nowMs());
    const ended = endTask({ ...task, skillDigest, policyHash }, state);
    return { outcome, task: ended, untrusted: result.untrusted };
  };
}

function checkOutput(outcome: ToolOutcome, tool: SkillTool): ToolOutcome {
  const { outputSchema } = tool;
  if (outcome.kind === "error" || outputSchema === undefined) return outcome;
  const faults = checkJson(outputSchema, outcome.output);
  if (faults.length === 0) return outcome;
  const message = `The tool's output does not fit its schema: ${inWords(faults)}`;
  return { kind: "error", code: "invalid-output", message };
}

const ENDS = { "wall-time": "timed-out", "cpu-time": "timed-out", cancelled: "cancelled" } as const;

function stateOf(
  { outcome, usage }: Pick<SourceResult, "outcome" | "usage">,
  endedAtMs: number,
): FinalTaskState {
  if (outcome.kind === "ok") {
    return { kind: "completed", endedAtMs, output: outcome.output, usage };
  }
  const { code, message } = outcome;
  const kind = code in ENDS ? ENDS[code as keyof typeof ENDS] : "failed";
  return { kind, endedAtMs, failure: { code, message }, usage };
}
