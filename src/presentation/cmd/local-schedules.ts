import type { Firing, FiringKey } from "#domain/schedule/firing.ts";
import type { MissedRule, Schedule, ScheduleAction } from "#domain/schedule/schedule.ts";
import {
  parseScheduleId,
  parseSessionId,
  type ScheduleId,
  type UserId,
} from "#domain/shared/id.ts";
import { CommandError } from "./command-error.ts";
import type {
  NewScheduleRequest,
  ScheduleAccess,
  ShownFiring,
  ShownSchedule,
} from "./schedule-access.ts";

export interface LocalSchedulesDeps {
  readonly useCases: ScheduleUseCases;
  /** As whom the command acts. */
  readonly userId: UserId;
  readonly newId: () => string;
  readonly nowMs: () => number;
  readonly close: () => Promise<void>;
}

interface OwnSchedule {
  readonly userId: UserId;
  readonly scheduleId: ScheduleId;
}

/** What users do with schedules, as the gateway has it too. */
interface ScheduleUseCases {
  createSchedule(
    input: OwnSchedule & {
      readonly name: string;
      readonly when: NewScheduleRequest["when"];
      readonly missed: MissedRule;
      readonly action: ScheduleAction;
    },
  ): Promise<
    | { readonly kind: "created"; readonly schedule: Schedule }
    | { readonly kind: "refused"; readonly message: string }
  >;
  listSchedules(input: {
    readonly userId: UserId;
    readonly limit: number;
  }): Promise<readonly Schedule[]>;
  listFirings(
    input: OwnSchedule & { readonly limit: number },
  ): Promise<readonly Firing[] | undefined>;
  changeSchedule(
    input: OwnSchedule & { readonly isPaused: boolean },
  ): Promise<
    | { readonly kind: "changed"; readonly schedule: Schedule }
    | { readonly kind: "not-found" }
    | { readonly kind: "conflict" }
  >;
  deleteSchedule(input: OwnSchedule): Promise<"deleted" | "not-found">;
  runSchedule(input: OwnSchedule & { readonly atMs: number }): Promise<FiringKey | undefined>;
}

const LISTED_MOST = 10_000;

/** The schedules of a store that no server is asked for. */
export function createLocalSchedules(deps: LocalSchedulesDeps): ScheduleAccess {
  const { useCases, userId, newId, nowMs } = deps;
  const own = (id: string) => ({ userId, scheduleId: parseId(id, parseScheduleId, "schedule") });
  return {
    async add({ action, ...request }) {
      const scheduleId = parseScheduleId(newId());
      const input = { ...request, userId, scheduleId, action: toAction(action) };
      const result = await useCases.createSchedule(input);
      if (result.kind === "refused") throw new CommandError("refused", result.message);
      return toShown(result.schedule);
    },
    list: async () =>
      (await useCases.listSchedules({ userId, limit: LISTED_MOST })).map((each) => toShown(each)),
    async listFirings(id, limit) {
      const firings = await useCases.listFirings({ ...own(id), limit });
      if (firings === undefined) throw notFound(id);
      return firings.map(toShownFiring);
    },
    async setPaused(id, isPaused) {
      const result = await useCases.changeSchedule({ ...own(id), isPaused });
      if (result.kind === "not-found") throw notFound(id);
      if (result.kind === "conflict") {
        throw new CommandError("refused", `Cannot change schedule "${id}": it has ended`);
      }
      return toShown(result.schedule);
    },
    async remove(id) {
      if ((await useCases.deleteSchedule(own(id))) === "not-found") throw notFound(id);
    },
    async run(id) {
      const key = await useCases.runSchedule({ ...own(id), atMs: nowMs() });
      if (key === undefined) throw notFound(id);
      return key;
    },
    [Symbol.asyncDispose]: deps.close,
  };
}

function toAction(action: NewScheduleRequest["action"]): ScheduleAction {
  if (action.kind === "tool-call") return action;
  const { sessionId, ...message } = action;
  if (sessionId === undefined) return message;
  return { ...message, sessionId: parseId(sessionId, parseSessionId, "session") };
}

function toShown({ state, when, ...schedule }: Schedule): ShownSchedule {
  return {
    ...schedule,
    when,
    state: state.kind,
    ...(state.kind === "active" ? { nextAtMs: state.nextAtMs } : {}),
  };
}

function toShownFiring({ state, ...firing }: Firing): ShownFiring {
  const result = state.kind === "done" ? state.result : undefined;
  return {
    ...firing,
    state: state.kind,
    ...(result?.kind === "turn" ? { turnId: result.turnId } : {}),
    ...(result?.kind === "task" ? { taskId: result.taskId } : {}),
    ...(state.kind === "failed" ? { failure: state.failure } : {}),
  };
}

function parseId<T>(raw: string, parse: (raw: string) => T, what: string): T {
  try {
    return parse(raw);
  } catch (error) {
    throw new CommandError("refused", `There is no ${what} "${raw}"`, { cause: error });
  }
}

function notFound(id: string): CommandError {
  return new CommandError("refused", `There is no schedule "${id}"`);
}
