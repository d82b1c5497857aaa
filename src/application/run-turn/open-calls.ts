import type { Approval } from "#domain/approval/approval.ts";
import type { ToolCallPart, ToolOutcome } from "#domain/message/message.ts";
import type { ToolCallId } from "#domain/shared/id.ts";
import type { TurnEvent } from "#domain/turn/turn-event.ts";
import type { ToolCall } from "../ports/tool-runner.ts";
import { whileStoreIsAway } from "../ports/while-store-is-away.ts";
import type { OpenCall } from "./call-tools.ts";
import type { RunState } from "./run-state.ts";

/** What a call came to that a restart cut off after it had begun. */
export const INTERRUPTED: ToolOutcome = {
  kind: "error",
  code: "interrupted",
  message: "Nexflow stopped during this call; whether it took effect is not known",
};

/** Calls of an earlier run of the turn that have no result yet. */
export interface OpenCalls {
  /** They had begun, and on their end nothing is known. */
  readonly interrupted: readonly ToolCallId[];
  /** They have not begun, so they can be made. */
  readonly unmade: readonly OpenCall[];
  /** What people have decided while the turn waited. */
  readonly decisions: Extract<TurnEvent, { kind: "turn-resumed" }>["decisions"];
}

/** More tasks than one step can have. */
const TASKS_MOST = 200;

/** The calls of the turn without a result, in the order in which they were asked for. */
export function findOpenCalls(run: RunState): readonly ToolCallPart[] {
  const parts = run.ownMessages().flatMap((message) => message.parts);
  const answered = new Set(
    parts.map((part) => (part.kind === "tool-result" ? part.toolCallId : undefined)),
  );
  return parts.filter(
    (part) => part.kind === "tool-call" && !answered.has(part.toolCallId),
  ) as readonly ToolCallPart[];
}

/** Finds out what became of the open calls of an earlier run; waits for a store that is away. */
export async function readOpenCalls(
  run: RunState,
  calls: readonly ToolCallPart[],
): Promise<OpenCalls> {
  const { deps, dispatch, stop } = run;
  const { turnId, sessionId } = dispatch;
  const read = () =>
    Promise.all([
      deps.tasks.list({ sessionId, limit: TASKS_MOST }),
      deps.approvals.listOfTurn(turnId),
    ]);
  const [tasks, approvals] = await stop.race(whileStoreIsAway(stop.signal, read));
  const begun = new Set(
    tasks.map(({ origin }) => (origin.kind === "turn" ? origin.toolCallId : undefined)),
  );
  const [interrupted, unmade] = [
    calls.filter(({ toolCallId }) => begun.has(toolCallId)),
    calls.filter(({ toolCallId }) => !begun.has(toolCallId)),
  ];
  const open = unmade.map((part) => {
    const earlier = approvals.findLast(({ toolCallId }) => toolCallId === part.toolCallId);
    return { call: toCall(part), earlier };
  });
  return {
    interrupted: interrupted.map(({ toolCallId }) => toolCallId),
    unmade: open,
    decisions: open.flatMap(({ earlier }) => (earlier === undefined ? [] : toDecision(earlier))),
  };
}

function toCall({ toolCallId, name, input: value }: ToolCallPart): ToolCall {
  return { toolCallId, name, input: { kind: "json", value } };
}

function toDecision({ id: approvalId, state }: Approval): OpenCalls["decisions"] {
  switch (state.kind) {
    case "pending":
      return [];
    case "granted":
    case "expired":
    case "denied":
      return [{ approvalId, decision: state.kind }];
    case "revoked":
      return [{ approvalId, decision: "denied" }];
    default:
      return state satisfies never;
  }
}
