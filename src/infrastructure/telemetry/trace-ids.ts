import type { TraceParentOf } from "#application/ports/trace-parent.ts";
import type { ModelCallId, TaskId, TurnId } from "#domain/shared/id.ts";

/*
 * The trace of a turn has the turn's own id, and the span of a part of it the last half of the
 * part's id, which is random: so it is known before there is a span, in every thread and after a
 * restart, and is stored nowhere.
 */

const UUID_HEX = /^[0-9a-f]{32}$/u;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/** Nothing where the id is no UUID. */
export function traceIdOf(turnId: TurnId): string | undefined {
  return hexOf(turnId);
}

/** Nothing where the id is no UUID. */
export function spanIdOf(partId: ModelCallId | TaskId): string | undefined {
  return hexOf(partId)?.slice(TRACE_DIGITS - SPAN_DIGITS);
}

/** In the version `00`, with the flag that the trace is taken. */
export const traceParentOf: TraceParentOf = (turnId, partId) => {
  const [traceId, spanId] = [traceIdOf(turnId), spanIdOf(partId)];
  return traceId === undefined || spanId === undefined ? undefined : `00-${traceId}-${spanId}-01`;
};

function hexOf(id: string): string | undefined {
  const hex = id.replaceAll("-", "").toLowerCase();
  return UUID_HEX.test(hex) ? hex : undefined;
}
