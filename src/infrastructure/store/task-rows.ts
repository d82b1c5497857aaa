import {
  parseScheduleId,
  parseSessionId,
  parseTaskId,
  parseToolCallId,
  parseTurnId,
  parseUserId,
} from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import {
  isFinalTask,
  NO_USAGE,
  type Task,
  type TaskOrigin,
  type TaskState,
} from "#domain/task/task.ts";
import type { QueryArgs } from "./query.ts";
import { toStoredText } from "./rows.ts";
import type { Schema } from "./schema.ts";

/* Tasks as rows. One that no turn has made has the empty turn id. */

export function taskToArgs(task: Task): QueryArgs {
  const { state } = task;
  const ended = isFinalTask(state) ? state : undefined;
  const failure = ended !== undefined && "failure" in ended ? ended.failure : undefined;
  const usage = ended?.usage ?? NO_USAGE;
  return {
    ...originToArgs(task.origin),
    taskId: task.id,
    userId: task.userId,
    skill: task.skill,
    tool: task.tool,
    skillDigest: task.skillDigest,
    policyHash: task.policyHash,
    inputJson: JSON.stringify(task.input),
    state: state.kind,
    outputJson: state.kind === "completed" ? JSON.stringify(state.output) : null,
    failureCode: failure?.code ?? null,
    failureMessage: toStoredText(failure?.message),
    ...usage,
    createdAtMs: task.createdAtMs,
    startedAtMs: state.kind === "running" ? state.startedAtMs : null,
    endedAtMs: ended?.endedAtMs ?? null,
  };
}

export function taskFromRow(row: Schema["task"]): Task {
  return {
    id: parseTaskId(row.task_id),
    userId: parseUserId(row.user_id),
    origin: originFromRow(row),
    skill: row.skill,
    tool: row.tool,
    skillDigest: row.skill_digest,
    policyHash: row.policy_hash,
    input: JSON.parse(row.input_json) as JsonValue,
    state: stateFromRow(row),
    createdAtMs: row.created_at_ms,
  };
}

function originToArgs(origin: TaskOrigin): QueryArgs {
  if (origin.kind === "schedule") {
    return { turnId: "", toolCallId: "", sessionId: null, scheduleId: origin.scheduleId };
  }
  const { turnId, toolCallId, sessionId } = origin;
  return { turnId, toolCallId, sessionId, scheduleId: null };
}

function originFromRow(row: Schema["task"]): TaskOrigin {
  if (row.turn_id === "") {
    return { kind: "schedule", scheduleId: parseScheduleId(row.schedule_id ?? "") };
  }
  return {
    kind: "turn",
    sessionId: parseSessionId(row.session_id ?? ""),
    turnId: parseTurnId(row.turn_id),
    toolCallId: parseToolCallId(row.tool_call_id),
  };
}

function stateFromRow(row: Schema["task"]): TaskState {
  const kind = row.state as TaskState["kind"];
  const endedAtMs = row.ended_at_ms ?? 0;
  const usage = {
    wallMs: row.wall_ms,
    cpuMs: row.cpu_ms,
    memoryMiB: row.memory_mib,
    outputBytes: row.output_bytes,
  };
  const failure = { code: row.failure_code ?? "", message: row.failure_message ?? "" };
  switch (kind) {
    case "pending":
      return { kind };
    case "running":
      return { kind, startedAtMs: row.started_at_ms ?? row.created_at_ms };
    case "completed":
      return { kind, endedAtMs, output: JSON.parse(row.output_json ?? "null") as JsonValue, usage };
    case "failed":
    case "cancelled":
    case "timed-out":
      return { kind, endedAtMs, failure, usage };
    default:
      return kind satisfies never;
  }
}
