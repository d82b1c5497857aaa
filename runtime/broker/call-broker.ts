import { hashJson } from "../policy/canonical-json.ts";
import type { GrantedPolicy } from "../policy/effective-policy.ts";
import { GRANT_OF, type HostFunction, type JsonValue } from "../protocol.ts";
import type { HostCallRecord } from "../runtime.ts";
import type { Service, ServiceOutcome, ServiceReply } from "./service.ts";

export type Services = Readonly<Partial<Record<HostFunction, Service>>>;

export interface BrokerDeps {
  readonly services: Services;
  readonly onHostCall: ((record: HostCallRecord) => void) | undefined;
}

export interface BrokeredCall {
  readonly callId: string;
  readonly skill: { readonly name: string; readonly digest: string };
  readonly userId: string;
  readonly policy: GrantedPolicy;
}

/** What a guest asks of its host, as it came from the sandbox process. */
export interface GuestAsk {
  readonly seq: number;
  readonly name: HostFunction;
  readonly args: JsonValue;
  readonly body: Buffer;
}

/** A host call that was answered in the sandbox process itself. */
export interface NotedHostCall {
  readonly seq: number;
  readonly name: HostFunction;
  readonly ms: number;
  readonly args: JsonValue;
  readonly result: JsonValue;
}

/** Serves and records the host calls of one call; what the sandbox says is not believed. */
export class CallBroker {
  readonly #call: BrokeredCall;
  readonly #deps: BrokerDeps;
  readonly #ended = new AbortController();

  constructor(call: BrokeredCall, deps: BrokerDeps) {
    this.#call = call;
    this.#deps = deps;
  }

  /** Serves and records one ask. Never rejects; what is still unserved at the end is aborted. */
  async serve({ seq, name, args, body }: GuestAsk): Promise<ServiceOutcome> {
    const startedMs = performance.now();
    const { policy, skill, userId } = this.#call;
    const { ruling, outcome, shown } = await this.#ask(name, {
      args,
      body,
      policy,
      skill,
      userId,
      signal: this.#ended.signal,
    });
    const result = outcome.kind === "ok" ? outcome.value : { error: outcome.message };
    const resultBody = outcome.kind === "ok" ? outcome.body : undefined;
    this.#record({
      seq,
      name,
      ...this.#decided(ruling),
      ms: performance.now() - startedMs,
      ...hashesOf({ args, body, result, resultBody }),
      ...(policy.record === "values" ? (shown ?? { args, result }) : {}),
    });
    return outcome;
  }

  /** Records a call that the sandbox process answered itself; the decision is made here again. */
  note({ seq, name, ms, args, result }: NotedHostCall): void {
    if (this.#deps.onHostCall === undefined) return;
    const { grants, record } = this.#call.policy;
    this.#record({
      seq,
      name,
      ...this.#decided(grants[GRANT_OF[name]]),
      ms,
      ...hashesOf({ args, body: undefined, result, resultBody: undefined }),
      ...(record === "values" ? { args, result } : {}),
    });
  }

  /** Aborts what is still being served. */
  end(): void {
    this.#ended.abort();
  }

  async #ask(name: HostFunction, request: Parameters<Service>[0]): Promise<ServiceReply> {
    const service = this.#deps.services[name];
    const { [GRANT_OF[name]]: ruling } = this.#call.policy.grants;
    if (ruling.verdict === "denied") {
      return { ruling, outcome: { kind: "error", message: `"${GRANT_OF[name]}" is not granted` } };
    }
    if (service === undefined) {
      return { ruling, outcome: { kind: "error", message: `This host does not serve "${name}"` } };
    }
    return service(request);
  }

  #decided({ verdict, rule }: ServiceReply["ruling"]): Decided {
    return { decision: verdict, rule };
  }

  #record(record: Omit<HostCallRecord, "callId" | "skillDigest" | "policyHash">): void {
    const { callId, skill, policy } = this.#call;
    const about = { callId, skillDigest: skill.digest, policyHash: policy.hash };
    this.#deps.onHostCall?.({ ...about, ...record });
  }
}

type Decided = Pick<HostCallRecord, "decision" | "rule">;
type Hashes = Pick<HostCallRecord, "argsHash" | "argsBytes" | "resultHash" | "resultBytes">;

function hashesOf(values: {
  readonly args: JsonValue;
  readonly body: Uint8Array | undefined;
  readonly result: JsonValue;
  readonly resultBody: Uint8Array | undefined;
}): Hashes {
  return {
    argsHash: hashJson(values.args, values.body),
    argsBytes: bytesOf(values.args, values.body),
    resultHash: hashJson(values.result, values.resultBody),
    resultBytes: bytesOf(values.result, values.resultBody),
  };
}

function bytesOf(value: JsonValue, body: Uint8Array | undefined): number {
  return Buffer.byteLength(JSON.stringify(value)) + (body?.length ?? 0);
}
