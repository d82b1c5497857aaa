import type { z } from "zod";
import type { Timeline, TimelineEntry } from "#application/read-timeline/read-timeline.ts";
import { isFinalTask } from "#domain/task/task.ts";
import type { TimelineAnswer } from "./api-schemas.ts";
import { toTurn } from "./to-answers.ts";

type Answer = z.output<typeof TimelineAnswer>;

/** What was done, without arguments and results. */
export function toTimeline({ turn, entries, totals }: Timeline): Answer {
  const { ms, ...sums } = totals;
  return {
    turn: toTurn(turn),
    entries: entries.map(toEntry),
    totals: { ...sums, ...(ms === undefined ? {} : { ms }) },
  };
}

function toEntry(entry: TimelineEntry): Answer["entries"][number] {
  const { kind, startedAtMs } = entry;
  switch (kind) {
    case "model-call": {
      const { id, step, model, state, usage, costNanoUsd } = entry.call;
      const { kind: word, ...times } = state;
      return { kind, id, step, model, state: word, startedAtMs, ...times, usage, costNanoUsd };
    }
    case "tool-call": {
      const { id: taskId, origin, skill, tool, state, policyHash } = entry.task;
      const ended = isFinalTask(state) ? { endedAtMs: state.endedAtMs, usage: state.usage } : {};
      return {
        kind,
        taskId,
        ...(origin.kind === "turn" ? { toolCallId: origin.toolCallId } : {}),
        tool: `${skill}.${tool}`,
        state: state.kind,
        startedAtMs,
        ...ended,
        policyHash,
        ...("failure" in state ? { failure: state.failure } : {}),
      };
    }
    case "approval": {
      const { id: approvalId, toolCallId, skill, tool, state } = entry.approval;
      return {
        kind,
        approvalId,
        toolCallId,
        tool: `${skill}.${tool}`,
        state: state.kind,
        startedAtMs,
        ...("atMs" in state ? { endedAtMs: state.atMs } : {}),
        ...("by" in state ? { by: state.by } : {}),
      };
    }
    default:
      return entry satisfies never;
  }
}
