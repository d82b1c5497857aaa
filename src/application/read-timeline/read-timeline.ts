import type { Approval } from "#domain/approval/approval.ts";
import type { ApprovalRepository } from "#domain/approval/approval-repository.ts";
import type { TurnId, UserId } from "#domain/shared/id.ts";
import type { ModelCall } from "#domain/spend/model-call.ts";
import type { SpendRepository } from "#domain/spend/spend-repository.ts";
import { isFinalTask, type Task } from "#domain/task/task.ts";
import type { TaskRepository } from "#domain/task/task-repository.ts";
import type { Turn } from "#domain/turn/turn.ts";
import type { TurnReader } from "#domain/turn/turn-reader.ts";

/** What was done in a turn, without what was said. */
export interface Timeline {
  readonly turn: Turn;
  /** By the time at which each began. */
  readonly entries: readonly TimelineEntry[];
  readonly totals: TimelineTotals;
}

export type TimelineEntry =
  | { readonly kind: "model-call"; readonly startedAtMs: number; readonly call: ModelCall }
  | { readonly kind: "tool-call"; readonly startedAtMs: number; readonly task: Task }
  | { readonly kind: "approval"; readonly startedAtMs: number; readonly approval: Approval };

/** Reserved calls count as what they may take at most. */
export interface TimelineTotals {
  readonly steps: number;
  readonly modelCalls: number;
  readonly toolCalls: number;
  readonly approvals: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
  /** From the message's acceptance to the turn's end; nothing while it has none. */
  readonly ms: number | undefined;
}

export interface ReadTimelineDeps {
  readonly turns: Pick<TurnReader, "find">;
  readonly spend: Pick<SpendRepository, "listModelCalls">;
  readonly tasks: Pick<TaskRepository, "listOfTurn">;
  readonly approvals: Pick<ApprovalRepository, "listOfTurn">;
}

export interface ReadTimelineInput {
  /** Any user's turn where it is left out. */
  readonly userId?: UserId | undefined;
  readonly turnId: TurnId;
}

/** Puts together what is stored of a turn; another user's turn does not exist. */
export function createReadTimeline({ turns, spend, tasks, approvals }: ReadTimelineDeps) {
  return async function readTimeline({
    userId,
    turnId,
  }: ReadTimelineInput): Promise<Timeline | undefined> {
    const turn = await turns.find(turnId);
    if (turn === undefined || (userId !== undefined && turn.userId !== userId)) return undefined;
    const [calls, made, asked] = await Promise.all([
      spend.listModelCalls(turnId),
      tasks.listOfTurn(turnId),
      approvals.listOfTurn(turnId),
    ]);
    const entries: readonly TimelineEntry[] = [
      ...calls.map(
        (call) => ({ kind: "model-call", startedAtMs: call.startedAtMs, call }) as const,
      ),
      ...asked.map(
        (approval) =>
          ({ kind: "approval", startedAtMs: approval.requestedAtMs, approval }) as const,
      ),
      ...made.map((task) => ({ kind: "tool-call", startedAtMs: startOf(task), task }) as const),
    ];
    return {
      turn,
      entries: entries.toSorted((one, other) => one.startedAtMs - other.startedAtMs),
      totals: {
        steps: calls.reduce((most, { step }) => Math.max(most, step), 0),
        modelCalls: calls.length,
        toolCalls: made.length,
        approvals: asked.length,
        inputTokens: sum(calls, ({ usage }) => usage.inputTokens),
        outputTokens: sum(calls, ({ usage }) => usage.outputTokens),
        costNanoUsd: sum(calls, ({ costNanoUsd }) => costNanoUsd),
        ms: "endedAtMs" in turn.state ? turn.state.endedAtMs - turn.createdAtMs : undefined,
      },
    };
  };
}

/** When its call began: one that waited for an approval was on record long before. */
function startOf({ state, createdAtMs }: Task): number {
  if (state.kind === "running") return state.startedAtMs;
  if (!isFinalTask(state)) return createdAtMs;
  return Math.max(createdAtMs, state.endedAtMs - Math.ceil(state.usage.wallMs));
}

function sum(calls: readonly ModelCall[], of: (call: ModelCall) => number): number {
  return calls.reduce((total, call) => total + of(call), 0);
}
