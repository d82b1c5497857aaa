import { AsyncLocalStorage } from "node:async_hooks";

/*
 * A client of MCP sends the headers that its transport was made with. Which call a request belongs
 * to is known by where it was made.
 */

const parents = new AsyncLocalStorage<string>();

/** Does what its requests are to say it belongs to, by the header `traceparent`. */
export function underTrace<T>(traceParent: string | undefined, work: () => T): T {
  return traceParent === undefined ? work() : parents.run(traceParent, work);
}

/** A request as it is, or with what it belongs to. */
export function withTraceParent(init: RequestInit | undefined): RequestInit | undefined {
  const traceParent = parents.getStore();
  if (traceParent === undefined) return init;
  const headers = new Headers(init?.headers);
  headers.set("traceparent", traceParent);
  return { ...init, headers };
}
