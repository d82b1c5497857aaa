import type { Ruling, Verdict } from "../../policy/grants.ts";
import type { JsonValue } from "../../protocol.ts";
import type { LeakScanner } from "../secrets/leak-scanner.ts";
import type { SecretValues } from "../secrets/secret-values.ts";
import type { Service, ServiceOutcome, ServiceReply, ServiceRequest } from "../service.ts";
import { Deadline } from "./deadline.ts";
import { follow, type HttpCall } from "./follow.ts";
import { parseHttpAsk } from "./http-ask.ts";
import { HttpRefusal } from "./http-refusal.ts";
import type { Resolve } from "./resolve-host.ts";
import { toShownArgs, toShownResult, toShownUrl } from "./shown-request.ts";
import { createSystemResolve } from "./system-resolve.ts";
import { toGuestMessage } from "./to-guest-message.ts";

export interface HttpServiceOptions {
  readonly secrets: SecretValues;
  /** Knows all secrets: what one request stored somewhere, another could fetch. */
  readonly leakScanner: LeakScanner;
  /** How names become addresses: hosts file and DNS when absent. */
  readonly resolve?: Resolve | undefined;
}

/**
 * Makes requests for guests: `{url, method?, headers?, secrets?}` and a body are answered with
 * `{status, headers, url}` and a body. The ruling is the hardest one of all hops and secrets.
 */
export function createHttpService(options: HttpServiceOptions): Service {
  const { secrets, leakScanner, resolve = createSystemResolve() } = options;
  return async function serveHttp(request) {
    const { policy, signal } = request;
    const deadline = new Deadline(signal);
    const trail: Ruling[] = [];
    const call = { policy, secrets, leakScanner, resolve, deadline, trail };
    const { outcome, args } = await answer(request, call);
    deadline.stop();
    const shown = { args, result: toShownResult(outcome) };
    const { verdict, rule } = policy.grants.http;
    const ruling = trail.reduce(hardest, trail[0] ?? { verdict, rule });
    return withhold({ ruling, outcome, shown }, leakScanner);
  };
}

interface Answer {
  readonly outcome: ServiceOutcome;
  /** The arguments as records show them. */
  readonly args: JsonValue;
}

async function answer({ args, body, policy }: ServiceRequest, call: HttpCall): Promise<Answer> {
  let shownArgs = toShownUrl(args);
  try {
    const ask = parseHttpAsk(args, body);
    shownArgs = toShownArgs(ask, policy.grants.secrets);
    return { outcome: await follow(ask, call), args: shownArgs };
  } catch (error) {
    if (error instanceof HttpRefusal && error.ruling !== undefined) call.trail.push(error.ruling);
    const message = toGuestMessage(error, call.deadline.signal);
    return { outcome: { kind: "error", message }, args: shownArgs };
  }
}

/** How much a verdict has to say against a request. */
const WEIGHT: Readonly<Record<Verdict, number>> = { allowed: 0, audited: 1, learned: 2, denied: 3 };

function hardest(one: Ruling, other: Ruling): Ruling {
  return WEIGHT[other.verdict] > WEIGHT[one.verdict] ? other : one;
}

type ShownReply = ServiceReply & { readonly shown: NonNullable<ServiceReply["shown"]> };

/** The reply without what holds a secret, in what the guest gets and in what records show. */
function withhold({ ruling, outcome, shown }: ShownReply, leakScanner: LeakScanner): ServiceReply {
  const isSafe = (value: JsonValue) => leakScanner.find(JSON.stringify(value)) === undefined;
  const args = isSafe(shown.args) ? shown.args : { withheld: "they held a secret" };
  const isClean =
    outcome.kind === "error"
      ? isSafe(outcome.message)
      : isSafe(outcome.value) && leakScanner.find(outcome.body ?? "") === undefined;
  if (isClean) return { ruling, outcome, shown: { args, result: shown.result } };
  const message = "The response was withheld: it held a secret";
  return {
    ruling: { verdict: "denied", rule: "platform: secret leak" },
    outcome: { kind: "error", message },
    shown: { args, result: { error: message } },
  };
}
