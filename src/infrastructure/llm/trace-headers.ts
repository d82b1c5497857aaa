import type { LlmRequest } from "#application/ports/llm.ts";

/** What a service is told of the trace that its answer belongs to, where it is to be told. */
export function traceHeaders({ traceParent }: LlmRequest): Readonly<Record<string, string>> {
  return traceParent === undefined ? {} : { traceparent: traceParent };
}
