import {
  type Firing,
  type FiringKey,
  type FiringResult,
  firingName,
} from "#domain/schedule/firing.ts";
import type { EndFiring, FiringLog } from "#domain/schedule/firing-log.ts";
import { type Schedule, type ScheduleAction, sessionOf } from "#domain/schedule/schedule.ts";
import type { SessionRepository } from "#domain/session/session-repository.ts";
import { type Failure, toFailure } from "#domain/shared/fault.ts";
import { parseScheduleId, parseTaskId } from "#domain/shared/id.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import type { ListedSkill, ListedTool } from "#domain/skill/skill.ts";
import { failTask, type Task } from "#domain/task/task.ts";
import type { AcceptedMessage } from "#domain/turn/turn-log.ts";
import type { AcceptMessage, AcceptMessageResult } from "../ports/accept-message.ts";
import type { NewId, NowMs } from "../ports/clock.ts";
import type { Job, JobHandler } from "../ports/jobs.ts";
import type { ListSkills } from "../ports/list-skills.ts";
import type { Logger } from "../ports/logger.ts";

export interface RunFiringDeps {
  readonly firings: Pick<FiringLog, "find" | "beginCall" | "withdrawCall" | "end">;
  readonly sessions: Pick<SessionRepository, "find">;
  readonly acceptMessage: AcceptMessage<AcceptedFiring>;
  readonly listSkills: ListSkills;
  /** Runs a task and gives it as it ended. Rejects with `Fault` where it could not be run. */
  readonly callSkill: (task: Task, signal: AbortSignal) => Promise<Task>;
  readonly newId: NewId;
  readonly nowMs: NowMs;
  readonly log: Logger;
}

type AcceptedFiring =
  | Pick<AcceptedMessage, "kind" | "turnId">
  | Exclude<AcceptMessageResult, AcceptedMessage>;

type ToolCallAction = Extract<ScheduleAction, { kind: "tool-call" }>;

interface Found {
  readonly firing: Firing;
  readonly schedule: Schedule;
  readonly startedAtMs: number;
  readonly isLastTry: boolean;
}

/** A call that failed so was not made: what it wants may be there, or there may be room, later. */
const NOT_MADE: ReadonlySet<string> = new Set([
  "unknown-tool",
  "unavailable",
  "concurrency",
  "queue-time",
  "overloaded",
]);

/**
 * Carries out one firing. Running it twice makes one turn. A skill that may change something is
 * called at most once: where its call was begun and its end is not on record, it has failed.
 * Rejects where it had better run again later.
 */
export function createRunFiring(deps: RunFiringDeps): JobHandler {
  return async function runFiring(job: Job, signal: AbortSignal): Promise<void> {
    const key = fromJobData(job.data);
    const found = await deps.firings.find(key);
    // Removed, left out by a pause, or carried out by an attempt that did not live to say so.
    if (found === undefined || isOver(found.firing)) return;
    const { schedule, firing } = found;
    const run = { schedule, firing, startedAtMs: deps.nowMs(), isLastTry: job.isLast };
    try {
      if (schedule.action.kind === "message") await sendMessage(run, schedule.action.text, deps);
      else await callTool(run, schedule.action, signal, deps);
    } catch (error) {
      if (!job.isLast) throw error;
      const attempt = firing.state.kind === "running" ? firing.state.attempt : 0;
      await end(run, { attempt, failure: toFailure(error) }, deps);
      throw error;
    }
  };
}

/** The job of a firing has its key for data. */
function fromJobData(data: JsonValue): FiringKey {
  const { scheduleId, dueAtMs } = data as { readonly scheduleId: string; readonly dueAtMs: number };
  return { scheduleId: parseScheduleId(scheduleId), dueAtMs };
}

function isOver({ state }: Firing): boolean {
  return state.kind !== "waiting" && state.kind !== "running";
}

async function sendMessage(run: Found, text: string, deps: RunFiringDeps): Promise<void> {
  const { schedule, firing } = run;
  const { userId } = schedule;
  const target = await findTarget(schedule, deps);
  if (target === undefined) {
    const message = "The session that the schedule writes to is gone";
    return end(run, { attempt: 0, failure: { code: "SESSION_NOT_FOUND", message } }, deps);
  }
  const message = { userId, clientMessageId: firingName(firing), text };
  const accepted = await deps.acceptMessage({ ...message, ...target }).catch(async (error) => {
    // Another firing may have made the session in the same moment.
    const now = "newSessionId" in target ? await findTarget(schedule, deps) : undefined;
    if (now === undefined || "newSessionId" in now) throw error;
    return deps.acceptMessage({ ...message, ...now });
  });
  switch (accepted.kind) {
    case "accepted":
      return end(run, { attempt: 0, result: { kind: "turn", turnId: accepted.turnId } }, deps);
    case "overloaded":
      throw new Error("There is no room for another turn of this user");
    case "not-found":
    case "conflict": {
      const failure = {
        code: "MESSAGE_REFUSED",
        message: `The message was not taken: ${accepted.kind}`,
      };
      return end(run, { attempt: 0, failure }, deps);
    }
    default:
      return accepted satisfies never;
  }
}

/** Where the message goes: a session that is there, or one that the schedule makes for itself. */
async function findTarget(schedule: Schedule, { sessions }: RunFiringDeps) {
  const sessionId = sessionOf(schedule);
  if (sessionId === undefined) return undefined;
  const session = await sessions.find(sessionId);
  if (session?.userId === schedule.userId) return { sessionId };
  const isOwn = schedule.action.kind === "message" && schedule.action.sessionId === undefined;
  return isOwn && session === undefined ? { newSessionId: sessionId } : undefined;
}

async function callTool(
  run: Found,
  action: ToolCallAction,
  signal: AbortSignal,
  deps: RunFiringDeps,
): Promise<void> {
  const { firing, startedAtMs, isLastTry } = run;
  const earlier = firing.state.kind === "running" ? firing.state : undefined;
  const { skills } = await deps.listSkills();
  // An MCP server that is slow to begin has no skill yet.
  if (!isLastTry && !skills.some(({ name }) => name === action.skill)) {
    throw new Error(`There is no skill "${action.skill}" at the moment`);
  }
  const found = findTool(action, skills);
  const task = toTask(run, action, { deps, digest: found?.digest ?? "", id: earlier?.taskId });
  if (earlier !== undefined && !(found && isReading(found.tool))) {
    const message = "The call was begun and Nexflow stopped: whether it did anything is not known";
    const failure = { code: "INTERRUPTED", message };
    return end(run, { attempt: earlier.attempt, failure, task }, deps);
  }
  if (found === undefined) {
    const message = `There is no tool "${action.skill}.${action.tool}"`;
    return end(run, { attempt: 0, failure: { code: "unknown-tool", message } }, deps);
  }
  const attempt = (earlier?.attempt ?? 0) + 1;
  const key = { scheduleId: firing.scheduleId, dueAtMs: firing.dueAtMs };
  const isOurs = await deps.firings.beginCall({ key, attempt, task, nowMs: startedAtMs });
  if (!isOurs) return;
  const ended = await deps.callSkill(task, signal).catch((error: unknown) => {
    deps.log.error({ taskId: task.id, error }, "A skill could not be run");
    return failTask(task, toFailure(error), deps.nowMs());
  });
  const result = { kind: "task", taskId: task.id } as const;
  if (ended.state.kind === "completed") return end(run, { attempt, result, task: ended }, deps);
  const failure =
    "failure" in ended.state ? ended.state.failure : { code: "INTERNAL", message: "No outcome" };
  if (!isLastTry && NOT_MADE.has(failure.code)) {
    // One that was begun before stays so: only a tool that reads is called again.
    if (earlier === undefined) await deps.firings.withdrawCall({ key, attempt, taskId: task.id });
    throw new Error(`The call was not made: ${failure.message}`);
  }
  return end(run, { attempt, failure, task: ended }, deps);
}

interface Ending {
  readonly attempt: number;
  readonly result?: FiringResult;
  readonly failure?: Failure;
  readonly task?: Task;
}

async function end(
  { firing, startedAtMs }: Found,
  { attempt, result, failure, task }: Ending,
  { firings, nowMs, log }: RunFiringDeps,
): Promise<void> {
  const key = { scheduleId: firing.scheduleId, dueAtMs: firing.dueAtMs };
  const endedAtMs = nowMs();
  const state: EndFiring["state"] =
    result === undefined
      ? { kind: "failed", endedAtMs, failure: failure ?? { code: "INTERNAL", message: "" } }
      : { kind: "done", endedAtMs, result };
  const isUnanswered = task !== undefined && task.state.kind === "running" && failure !== undefined;
  const ended = isUnanswered ? failTask(task, failure, endedAtMs) : task;
  const isOurs = await firings.end({ key, attempt, startedAtMs, state, task: ended });
  if (!isOurs) log.warn(key, "A firing was ended elsewhere");
}

function findTool({ skill, tool }: ToolCallAction, skills: readonly ListedSkill[]) {
  const found = skills.find(({ name }) => name === skill);
  const ofSkill = found?.tools.find(({ name }) => name === tool);
  return found && ofSkill && { tool: ofSkill, digest: found.digest };
}

function isReading({ effects }: ListedTool): boolean {
  return effects.every((effect) => effect === "read");
}

interface TaskParts {
  readonly deps: RunFiringDeps;
  readonly digest: string;
  readonly id: Task["id"] | undefined;
}

function toTask(run: Found, action: ToolCallAction, { deps, digest, id }: TaskParts): Task {
  const { schedule, startedAtMs } = run;
  return {
    id: id ?? parseTaskId(deps.newId()),
    userId: schedule.userId,
    origin: { kind: "schedule", scheduleId: schedule.id },
    skill: action.skill,
    tool: action.tool,
    skillDigest: digest,
    policyHash: "",
    input: action.input,
    state: { kind: "running", startedAtMs },
    createdAtMs: startedAtMs,
  };
}
