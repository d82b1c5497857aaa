import { isGranted, type Ruling } from "../../policy/grants.ts";
import { decideHttp, type HttpLimits } from "../../policy/http-decision.ts";
import type { LeakScanner } from "../secrets/leak-scanner.ts";
import { type PlacedSecrets, placeSecrets } from "../secrets/place-secrets.ts";
import type { SecretValues } from "../secrets/secret-values.ts";
import type { ServiceOutcome, ServiceRequest } from "../service.ts";
import { createAddressCheck } from "./address-check.ts";
import type { Deadline } from "./deadline.ts";
import { exchange, type HttpResponse } from "./exchange.ts";
import type { HttpAsk } from "./http-ask.ts";
import { HttpRefusal, refuse } from "./http-refusal.ts";
import { checkRedirects, toNextHop } from "./next-hop.ts";
import { type Resolve, resolveHost } from "./resolve-host.ts";
import { withoutParameters, withParameters } from "./url-query.ts";

/** One host call for a request, redirects included. */
export interface HttpCall {
  readonly policy: ServiceRequest["policy"];
  readonly secrets: SecretValues;
  readonly leakScanner: LeakScanner;
  readonly resolve: Resolve;
  readonly deadline: Deadline;
  /** What was decided on the way, added to as it goes. */
  readonly trail: Ruling[];
}

/**
 * The answer to `first` after all its redirects: each hop is decided, resolved and connected to as
 * if it were the first. Rejects with `HttpRefusal`, or with what went wrong outside.
 */
export async function follow(first: HttpAsk, call: HttpCall): Promise<ServiceOutcome> {
  const { maxRedirects, rule } = call.policy.grants.http;
  let ask = first;
  for (let redirects = 1; ; redirects += 1) {
    const { url, response } = await makeHop(ask, call);
    const next = toNextHop(ask, response);
    if (next === undefined) {
      const { status, headers, body } = response;
      return { kind: "ok", value: { status, headers, url }, body };
    }
    checkRedirects(redirects, maxRedirects, rule);
    ask = next;
  }
}

interface Hop {
  /** Without the secrets that went with it. */
  readonly url: string;
  readonly response: HttpResponse;
}

async function makeHop(ask: HttpAsk, call: HttpCall): Promise<Hop> {
  const { target, method, body } = ask;
  const { maxResponseBytes, timeoutMs } = decide(ask, call);
  call.deadline.shortenTo(timeoutMs);
  const { headers, parameters } = place(ask, call);
  const query = withoutParameters(target.query, parameters);
  const url = target.origin + target.path + query;
  checkLeaks([url, JSON.stringify(ask.headers), body], call);
  const { signal } = call.deadline;
  const { privateAddresses } = call.policy.grants.http;
  const isAllowed = createAddressCheck({ privateAddresses });
  const addresses = await resolveHost(target.host, { resolve: call.resolve, isAllowed, signal });
  const response = await exchange({
    target,
    addresses,
    method,
    headers: { ...ask.headers, ...Object.fromEntries(headers) },
    query: withParameters(query, parameters),
    body,
    maxResponseBytes,
    signal,
  });
  return { url, response };
}

/** What the hop may take, if it is granted. */
function decide({ target, method, body }: HttpAsk, { policy, trail }: HttpCall): HttpLimits {
  const { ruling, limits } = decideHttp(policy, { ...target, method });
  if (!isGranted(ruling)) {
    throw new HttpRefusal(`${method} ${target.origin}${target.path} is not granted`, ruling);
  }
  trail.push(ruling);
  if (body.length > limits.maxRequestBytes) {
    const expected = `expected at most ${limits.maxRequestBytes}`;
    throw new HttpRefusal(`Cannot send ${body.length} bytes: ${expected}`);
  }
  return limits;
}

function place(
  { target, secrets }: HttpAsk,
  { policy, secrets: values, trail }: HttpCall,
): Extract<PlacedSecrets, { kind: "placed" }> {
  const grants = policy.grants.secrets;
  const placed = placeSecrets(secrets, { origin: target.origin, grants, values });
  if (placed.kind === "denied") throw new HttpRefusal(placed.message, placed.ruling);
  trail.push(...placed.rulings);
  return placed;
}

/**
 * A server may send a secret on in the place that it redirects to, and a guest may have come by
 * one: neither goes anywhere.
 */
function checkLeaks(parts: readonly (string | Buffer)[], { leakScanner }: HttpCall): void {
  if (parts.every((part) => leakScanner.find(part) === undefined)) return;
  throw refuse("The request was not sent: it held a secret", "secret leak");
}
