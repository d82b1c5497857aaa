import type { z } from "zod";
import type { Approval } from "#domain/approval/approval.ts";
import type { Firing, FiringResult } from "#domain/schedule/firing.ts";
import type { Schedule } from "#domain/schedule/schedule.ts";
import type { Session } from "#domain/session/session.ts";
import { NO_SPEND } from "#domain/spend/budget.ts";
import type { Task, TaskState } from "#domain/task/task.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { Credential } from "#domain/user/credential.ts";
import type { User } from "#domain/user/user.ts";
import type {
  ApprovalDetail,
  FiringDetail,
  ScheduleDetail,
  SessionDetail,
  SessionSummary,
  TaskDetail,
  TurnDetail,
  UserDetail,
} from "./api-schemas.ts";

/*
 * Entities as answers show them: states are words, what belongs to a state stands beside it.
 */

export function toSessionSummary(session: Session): z.output<typeof SessionSummary> {
  const { id, title, createdAtMs, updatedAtMs, model } = session;
  return { id, title, createdAtMs, updatedAtMs, ...(model !== undefined && { model }) };
}

export function toSessionDetail(session: Session): z.output<typeof SessionDetail> {
  const { headSeq: seq, headEpoch: epoch, taint = {}, spend = NO_SPEND } = session;
  return { ...toSessionSummary(session), seq, epoch, taint: { ...taint }, spend: { ...spend } };
}

export function toTurn(turn: Turn): z.output<typeof TurnDetail> {
  const { id, sessionId, state, attempts, createdAtMs } = turn;
  return {
    id,
    sessionId,
    state: state.kind,
    ...("failure" in state ? { failure: state.failure } : {}),
    attempts,
    createdAtMs,
    ...("startedAtMs" in state ? { startedAtMs: state.startedAtMs } : {}),
    ...("endedAtMs" in state ? { endedAtMs: state.endedAtMs } : {}),
  };
}

export function toApproval(approval: Approval): z.output<typeof ApprovalDetail> {
  const { id, userId, sessionId, turnId, card, requestedAtMs, state } = approval;
  const grant = state.kind === "revoked" ? state.grant : state;
  return {
    id,
    userId,
    sessionId,
    turnId,
    state: state.kind,
    card: { ...card, effects: [...card.effects], reaches: [...card.reaches] },
    requestedAtMs,
    ...("by" in state ? { decidedBy: state.by } : {}),
    ...("atMs" in state ? { decidedAtMs: state.atMs } : {}),
    ...("reason" in state && state.reason !== undefined ? { reason: state.reason } : {}),
    ...("scope" in grant ? { scope: grant.scope } : {}),
  };
}

export function toTask({ state, ...task }: Task): z.output<typeof TaskDetail> {
  return { ...(task as Omit<z.output<typeof TaskDetail>, "state">), ...toTaskState(state) };
}

function toTaskState(state: TaskState) {
  const { kind, ...rest } = state;
  return { state: kind, ...(rest as Partial<z.output<typeof TaskDetail>>) };
}

export function toSchedule({ state, ...schedule }: Schedule): z.output<typeof ScheduleDetail> {
  const { lastFiredAtMs, ...rest } = schedule;
  return {
    ...(rest as Omit<z.output<typeof ScheduleDetail>, "state">),
    state: state.kind,
    ...(state.kind === "active" ? { nextAtMs: state.nextAtMs } : {}),
    ...(lastFiredAtMs === undefined ? {} : { lastFiredAtMs }),
  };
}

export function toFiring({ dueAtMs, firedAtMs, lateMs, state }: Firing): FiringAnswer {
  return {
    dueAtMs,
    firedAtMs,
    ...(lateMs === undefined ? {} : { lateMs }),
    state: state.kind,
    ...("endedAtMs" in state ? { endedAtMs: state.endedAtMs } : {}),
    ...("taskId" in state ? { taskId: state.taskId } : {}),
    ...(state.kind === "done" ? toResult(state.result) : {}),
    ...("failure" in state ? { failure: state.failure } : {}),
  };
}

type FiringAnswer = z.output<typeof FiringDetail>;

function toResult(result: FiringResult): Pick<FiringAnswer, "turnId" | "taskId"> {
  return result.kind === "turn" ? { turnId: result.turnId } : { taskId: result.taskId };
}

export function toUser({ id, name, role, createdAtMs }: User): z.output<typeof UserDetail> {
  return { id, name, role, createdAtMs };
}

export function toToken(credential: Credential) {
  const { id, kind, label, scopes, createdAtMs, expiresAtMs, lastUsedAtMs } = credential;
  return { id, kind, label, scopes, createdAtMs, expiresAtMs, lastUsedAtMs };
}
