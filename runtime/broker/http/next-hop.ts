import type { HttpResponse } from "./exchange.ts";
import type { HttpAsk } from "./http-ask.ts";
import { HttpRefusal, refuse } from "./http-refusal.ts";
import { parseTarget } from "./http-target.ts";

/** Statuses that send somewhere else; others with a location only tell of one. */
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What says who asks: only for the origin it was meant for. */
const CREDENTIALS = new Set(["authorization", "cookie", "x-api-key", "x-auth-token"]);

/** What to ask next because of `response`, or undefined where it is the answer. */
export function toNextHop(ask: HttpAsk, { status, headers }: HttpResponse): HttpAsk | undefined {
  const { location } = headers;
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  const target = parseTarget(location, ask.target);
  if (ask.target.scheme === "https" && target.scheme === "http") {
    throw refuse("Cannot follow the redirect: it leads from https to http", "redirect");
  }
  const next = { ...(becomesGet(ask, status) ? toGet(ask) : ask), target };
  if (target.origin === ask.target.origin) return next;
  return { ...next, secrets: [], headers: without(next.headers, (name) => CREDENTIALS.has(name)) };
}

/** Refuses the redirect past the last one that `maxRedirects` allows. */
export function checkRedirects(count: number, maxRedirects: number, rule: string): void {
  if (count <= maxRedirects) return;
  const message = `Cannot follow redirect ${count}: expected at most ${maxRedirects}`;
  throw new HttpRefusal(message, { verdict: "denied", rule });
}

function becomesGet({ method }: HttpAsk, status: number): boolean {
  if (status === 303) return method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function toGet(ask: HttpAsk): HttpAsk {
  const headers = without(ask.headers, (name) => name.startsWith("content-"));
  return { ...ask, method: "GET", headers, body: Buffer.alloc(0) };
}

function without(
  headers: HttpAsk["headers"],
  isDropped: (name: string) => boolean,
): HttpAsk["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isDropped(name)));
}
