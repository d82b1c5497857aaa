import type { Agent } from "undici";
import { Exchange } from "./exchange.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** Services keep idle connections for longer: a turn after a short pause needs no new one. */
const KEEP_ALIVE_MS = 30_000;

let agent: Promise<Agent> | undefined;

/** Loads what requests need: how long that takes is not to be held against a service. */
export async function prepareModelFetch(): Promise<void> {
  agent ??= openAgent();
  await agent;
}

/**
 * The `fetch` that SDKs are given: one pool of connections for all services, no redirects (they
 * would carry the key elsewhere), and a body that is read without streams. Rejects with
 * `ServiceRefusal` where the status is no success.
 */
export async function modelFetch(
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input);
  const { method = "GET", body, signal } = init;
  if (body !== undefined && body !== null && typeof body !== "string") {
    throw new TypeError("Cannot send a request: expected a body that is text");
  }
  agent ??= openAgent();
  const pool = await agent;
  const exchange = new Exchange(signal ?? new AbortController().signal);
  if (signal?.aborted === true) exchange.abort();
  else {
    const path = `${pathname}${search}`;
    const headers = init.headers instanceof Headers ? init.headers : new Headers(init.headers);
    pool.dispatch({ origin, path, method, headers, body: body ?? null }, exchange);
  }
  return exchange.response;
}

/** Its own time limits are off: each answer has those of its model. */
async function openAgent(): Promise<Agent> {
  const { Agent: Pool } = await import("undici");
  return new Pool({
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
}
