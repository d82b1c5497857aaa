import type { ModelCallId, TaskId, TurnId } from "#domain/shared/id.ts";

/**
 * What a service is told so that what it does for an attempt of a model, or for a call of a tool,
 * belongs to the trace of its turn: the `traceparent` of W3C Trace Context. Nothing where there is
 * no trace.
 */
export type TraceParentOf = (turnId: TurnId, partId: ModelCallId | TaskId) => string | undefined;
