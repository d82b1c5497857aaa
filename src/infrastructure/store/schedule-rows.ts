import type { Firing, FiringState } from "#domain/schedule/firing.ts";
import type { EndFiring } from "#domain/schedule/firing-log.ts";
import type {
  MissedRule,
  Schedule,
  ScheduleAction,
  ScheduleState,
} from "#domain/schedule/schedule.ts";
import type { ScheduleWhen } from "#domain/schedule/schedule-when.ts";
import { parseScheduleId, parseTaskId, parseTurnId, parseUserId } from "#domain/shared/id.ts";
import type { QueryArgs } from "./query.ts";
import { toStoredText } from "./rows.ts";
import type { Schema } from "./schema.ts";

export function scheduleFromRow(row: Schema["schedule"]): Schedule {
  return {
    id: parseScheduleId(row.schedule_id),
    userId: parseUserId(row.user_id),
    name: row.name,
    when: JSON.parse(row.when_json) as ScheduleWhen,
    missed: row.missed as MissedRule,
    action: JSON.parse(row.action_json) as ScheduleAction,
    state: scheduleStateFromRow(row),
    lastFiredAtMs: row.last_fired_at_ms ?? undefined,
    createdAtMs: row.created_at_ms,
  };
}

export function scheduleToArgs(schedule: Schedule): QueryArgs {
  const { id, userId, name, when, missed, action, state } = schedule;
  return {
    scheduleId: id,
    userId,
    name: toStoredText(name),
    whenJson: JSON.stringify(when),
    missed,
    actionJson: JSON.stringify(action),
    state: state.kind,
    nextAtMs: state.kind === "active" ? state.nextAtMs : null,
    stateAtMs: stateAtMs(state) ?? null,
    lastFiredAtMs: schedule.lastFiredAtMs ?? null,
    createdAtMs: schedule.createdAtMs,
  };
}

export function firingFromRow(row: Schema["schedule_firing"]): Firing {
  return {
    scheduleId: parseScheduleId(row.schedule_id),
    dueAtMs: row.due_at_ms,
    firedAtMs: row.fired_at_ms,
    lateMs: row.late_ms ?? undefined,
    state: firingStateFromRow(row),
  };
}

export function firingEndToArgs({ state }: EndFiring): QueryArgs {
  const result = state.kind === "done" ? state.result : undefined;
  const failure = state.kind === "failed" ? state.failure : undefined;
  return {
    state: state.kind,
    endedAtMs: state.endedAtMs,
    turnId: result?.kind === "turn" ? result.turnId : null,
    taskId: result?.kind === "task" ? result.taskId : null,
    failureCode: failure?.code ?? null,
    failureMessage: toStoredText(failure?.message),
  };
}

function stateAtMs(state: ScheduleState): number | undefined {
  switch (state.kind) {
    case "active":
      return undefined;
    case "paused":
      return state.pausedAtMs;
    case "ended":
      return state.endedAtMs;
    default:
      return state satisfies never;
  }
}

function scheduleStateFromRow(row: Schema["schedule"]): ScheduleState {
  const kind = row.state as ScheduleState["kind"];
  switch (kind) {
    case "active":
      return { kind, nextAtMs: row.next_at_ms ?? 0 };
    case "paused":
      return { kind, pausedAtMs: row.state_at_ms ?? 0 };
    case "ended":
      return { kind, endedAtMs: row.state_at_ms ?? 0 };
    default:
      return kind satisfies never;
  }
}

function firingStateFromRow(row: Schema["schedule_firing"]): FiringState {
  const kind = row.state as FiringState["kind"];
  const endedAtMs = row.ended_at_ms ?? 0;
  switch (kind) {
    case "waiting":
      return { kind };
    case "running": {
      const taskId = parseTaskId(row.task_id ?? "");
      return { kind, startedAtMs: row.started_at_ms ?? 0, attempt: row.attempt, taskId };
    }
    case "done":
      return { kind, endedAtMs, result: resultFromRow(row) };
    case "failed": {
      const failure = { code: row.failure_code ?? "", message: row.failure_message ?? "" };
      return { kind, endedAtMs, failure };
    }
    case "left-out":
      return { kind, endedAtMs };
    default:
      return kind satisfies never;
  }
}

function resultFromRow({ turn_id: turnId, task_id: taskId }: Schema["schedule_firing"]) {
  return turnId === null
    ? ({ kind: "task", taskId: parseTaskId(taskId ?? "") } as const)
    : ({ kind: "turn", turnId: parseTurnId(turnId) } as const);
}
