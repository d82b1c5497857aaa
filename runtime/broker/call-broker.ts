import { hashJson } from "../policy/canonical-json.ts";
import type { GrantedPolicy } from "../policy/effective-policy.ts";
import { isGranted, type Ruling } from "../policy/grants.ts";
import {
  type AnswerFrame,
  GRANT_OF,
  type HostFunction,
  type HostNote,
  type JsonValue,
  maxBodyBytes,
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

const CUT_OFF = "The call ended before the answer";
const OVER = "The sandbox process made more host calls than its limits allow";
/** What is still being served when a call ends has so long to end as well. */
const LAST_ANSWERS_MS = 40;

/** Serves and records the host calls of one call; what the sandbox says is not believed. */
export class CallBroker {
  readonly #call: BrokeredCall;
  readonly #deps: BrokerDeps;
  readonly #ended = new AbortController();
  /** Numbers that were used, and those of them that are on record. */
  readonly #begun = new Set<number>();
  readonly #recorded = new Set<number>();
  readonly #serving = new Map<GuestAsk, Promise<unknown>>();
  #logBytes = 0;
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

  /** Whether asks are being served. */
  get isServing(): boolean {
    return this.#serving.size > 0;
  }

  /**
   * Serves and records one ask, by the end of the call at the latest. Throws
   * `RangeError` where the sandbox process lets a guest go on past its limits.
   */
  async serve(ask: GuestAsk): Promise<AnswerFrame["outcome"] & Body> {
    const { hostCallsAtOnce } = this.#call.policy.limits;
    if (this.#serving.size >= hostCallsAtOnce) throw new RangeError(OVER);
    if (ask.body.length > maxBodyBytes(ask.name)) throw new RangeError(OVER);
    this.#begin(ask.seq);
    const serving = this.#serve(ask);
    this.#serving.set(ask, serving);
    try {
      return await serving;
    } finally {
      this.#serving.delete(ask);
    }
  }

  async #serve({ seq, name, args, body }: GuestAsk): Promise<AnswerFrame["outcome"] & Body> {
    const startedMs = performance.now();
    const { policy, skill, userId } = this.#call;
    const { signal } = this.#ended;
    const { ruling, outcome, shown } = await this.#ask(name, {
      args,
      body,
      policy,
      skill,
      userId,
      signal,
    });
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
    this.#begin(seq);
    const { grants, limits } = this.#call.policy;
    this.#logBytes += Buffer.byteLength(text);
    if (this.#logBytes > limits.logKiB * 1024) throw new RangeError(OVER);
    const ruling = grants.log;
    const leaked = this.#deps.leakScanner?.find(text);
    const shown = leaked === undefined ? text : `[withheld: it holds the secret ${leaked}]`;
    this.#record(ruling, { seq, name: "log", values: { args: shown, result: null } });
    if (!isGranted(ruling)) return;
    const { callId, skill } = this.#call;
    this.#deps.onLog?.({ callId, skillDigest: skill.digest, text: shown });
  }

  /** Records a call that the sandbox process answered itself; what decides is decided here again. */
  note({ seq, name, value }: HostNote): void {
    this.#begin(seq);
    const ruling = this.#call.policy.grants[GRANT_OF[name]];
    this.#record(ruling, { seq, name, values: { args: null, result: value } });
  }

  /** Records the calls of which, because the process was killed, only the names are known. */
  noteNames(names: readonly HostFunction[]): void {
    names.slice(0, this.#call.policy.limits.hostCalls).forEach((name, index) => {
      if (!this.#begun.has(index + 1)) this.#recordName(index + 1, name);
    });
  }

  /** Aborts what is still being served and records it: what came of it nobody will hear. */
  end(): void {
    if (this.isServing) this.#ended.abort();
  }

  /** Waits until what was aborted is on record; of what goes on all the same the name is. */
  async finish(): Promise<void> {
    const late = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => late.resolve(undefined), LAST_ANSWERS_MS);
    await Promise.race([Promise.allSettled(this.#serving.values()), late.promise]);
    clearTimeout(timer);
    for (const ask of this.#serving.keys()) this.#recordCutOff(ask);
  }

  #recordCutOff({ seq, name, args, body }: GuestAsk): void {
    const result = { error: CUT_OFF };
    this.#record(this.#call.policy.grants[GRANT_OF[name]], {
      seq,
      name,
      values: { args, body, result },
      // What of it may be shown, only the service knows.
      shown: { args: null, result },
    });
  }

  /** Uses up a number. Throws `RangeError` where it is no number of a call within the limits. */
  #begin(seq: number): void {
    const isNumber = Number.isInteger(seq) && seq > 0 && seq <= this.#call.policy.limits.hostCalls;
    if (!isNumber || this.#begun.has(seq)) throw new RangeError(OVER);
    this.#begun.add(seq);
  }

  #recordName(seq: number, name: HostFunction): void {
    const ruling = this.#call.policy.grants[GRANT_OF[name]];
    this.#record(ruling, { seq, name, values: { args: null, result: null } });
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
    // What is answered too late was recorded when its call ended.
    if (this.#recorded.has(seq)) return;
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
      ...(policy.record === "full"
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
