import { hashJson } from "../policy/canonical-json.ts";
import type { GrantedPolicy } from "../policy/effective-policy.ts";
import { isGranted, type Ruling } from "../policy/grants.ts";
import {
  type AnswerFrame,
  GRANT_OF,
  type HostFunction,
  type HostNote,
  type JsonValue,
} from "../protocol.ts";
import type { HostCallRecord, SkillLog } from "../runtime.ts";
import type { LeakScanner } from "./secrets/leak-scanner.ts";
import type { Service, ServiceReply } from "./service.ts";

export type Services = Readonly<Partial<Record<HostFunction, Service>>>;

export interface BrokerDeps {
  readonly services: Services;
  /** Looks through what guests log. */
  readonly leakScanner?: LeakScanner | undefined;
  readonly onHostCall?: ((record: HostCallRecord) => void) | undefined;
  readonly onLog?: ((entry: SkillLog) => void) | undefined;
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

const OVER = "The sandbox process made more host calls than its limits allow";

/** Serves and records the host calls of one call; what the sandbox says is not believed. */
export class CallBroker {
  readonly #call: BrokeredCall;
  readonly #deps: BrokerDeps;
  readonly #ended = new AbortController();
  readonly #recorded = new Set<number>();
  #atOnce = 0;
  #denial: Ruling | undefined;

  constructor(call: BrokeredCall, deps: BrokerDeps) {
    this.#call = call;
    this.#deps = deps;
  }

  /** The first denial. */
  get denial(): Ruling | undefined {
    return this.#denial;
  }

  /** How many host calls are on record. */
  get calls(): number {
    return this.#recorded.size;
  }

  /**
   * Serves and records one ask; what is unserved when the call ends is aborted. Throws
   * `RangeError` where the sandbox process lets a guest go on past its limits.
   */
  async serve({ seq, name, args, body }: GuestAsk): Promise<AnswerFrame["outcome"] & Body> {
    this.#assertWithinLimits(seq);
    const startedMs = performance.now();
    const { policy, skill, userId } = this.#call;
    const { signal } = this.#ended;
    this.#atOnce += 1;
    const { ruling, outcome, shown } = await this.#ask(name, {
      args,
      body,
      policy,
      skill,
      userId,
      signal,
    });
    this.#atOnce -= 1;
    const isOk = outcome.kind === "ok";
    const result = isOk ? outcome.value : { error: outcome.message };
    this.#record(ruling, {
      seq,
      name,
      ms: performance.now() - startedMs,
      values: { args, body, result, resultBody: isOk ? outcome.body : undefined },
      shown,
    });
    if (isOk) return outcome;
    return { kind: "error", message: outcome.message, isDenied: ruling.verdict === "denied" };
  }

  /** Records what a guest logged and passes it on where that is granted. */
  log(seq: number, text: string): void {
    this.#assertWithinLimits(seq);
    const ruling = this.#call.policy.grants.log;
    const leaked = this.#deps.leakScanner?.find(text);
    const shown = leaked === undefined ? text : `[withheld: it holds the secret ${leaked}]`;
    this.#record(ruling, { seq, name: "log", values: { args: shown, result: null } });
    if (!isGranted(ruling)) return;
    const { callId, skill } = this.#call;
    this.#deps.onLog?.({ callId, skillDigest: skill.digest, text: shown });
  }

  /** Records a call that the sandbox process answered itself; what decides is decided here again. */
  note({ seq, name, value }: HostNote): void {
    const ruling = this.#call.policy.grants[GRANT_OF[name]];
    this.#record(ruling, { seq, name, values: { args: null, result: value } });
  }

  /** Records the calls of which, because the process was killed, only the names are known. */
  noteNames(names: readonly HostFunction[]): void {
    names.forEach((name, index) => {
      if (this.#recorded.has(index + 1)) return;
      const ruling = this.#call.policy.grants[GRANT_OF[name]];
      this.#record(ruling, { seq: index + 1, name, values: { args: null, result: null } });
    });
  }

  /** Aborts what is still being served. */
  end(): void {
    if (this.#atOnce > 0) this.#ended.abort();
  }

  #assertWithinLimits(seq: number): void {
    const { hostCalls, hostCallsAtOnce } = this.#call.policy.limits;
    const isWithin = seq <= hostCalls && this.#atOnce < hostCallsAtOnce && !this.#recorded.has(seq);
    if (!isWithin) throw new RangeError(OVER);
  }

  async #ask(name: HostFunction, request: Parameters<Service>[0]): Promise<ServiceReply> {
    const service = this.#deps.services[name];
    const { [GRANT_OF[name]]: ruling } = this.#call.policy.grants;
    if (!isGranted(ruling)) {
      const message = `The skill may not call "${name}": "${GRANT_OF[name]}" is not granted`;
      return { ruling, outcome: { kind: "error", message } };
    }
    if (service === undefined) {
      return { ruling, outcome: { kind: "error", message: `This host does not serve "${name}"` } };
    }
    return service(request);
  }

  #record({ verdict, rule }: Ruling, served: ServedCall): void {
    const { seq, name, ms = 0, values, shown } = served;
    this.#recorded.add(seq);
    if (verdict === "denied") this.#denial ??= { verdict, rule };
    const { callId, skill, policy } = this.#call;
    this.#deps.onHostCall?.({
      callId,
      skillDigest: skill.digest,
      seq,
      name,
      decision: verdict,
      rule,
      policyHash: policy.hash,
      ms,
      argsHash: hashJson(values.args, values.body),
      argsBytes: bytesOf(values.args, values.body),
      resultHash: hashJson(values.result, values.resultBody),
      resultBytes: bytesOf(values.result, values.resultBody),
      ...(policy.record === "values"
        ? (shown ?? { args: values.args, result: values.result })
        : undefined),
    });
  }
}

interface Body {
  readonly body?: Uint8Array | undefined;
}

interface ServedCall {
  readonly seq: number;
  readonly name: HostFunction;
  readonly ms?: number;
  readonly values: {
    readonly args: JsonValue;
    readonly body?: Uint8Array | undefined;
    readonly result: JsonValue;
    readonly resultBody?: Uint8Array | undefined;
  };
  readonly shown?: ServiceReply["shown"];
}

function bytesOf(value: JsonValue, body: Uint8Array | undefined): number {
  return Buffer.byteLength(JSON.stringify(value)) + (body?.length ?? 0);
}
