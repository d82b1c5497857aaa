import { randomUUID } from "node:crypto";
import { type BrokerDeps, CallBroker } from "../broker/call-broker.ts";
import { createServices } from "../broker/create-services.ts";
import { openMemoryKv } from "../broker/memory-kv.ts";
import { createLeakScanner } from "../broker/secrets/leak-scanner.ts";
import { parseSecretValues, type SecretValues } from "../broker/secrets/secret-values.ts";
import type { InvokeRequest, InvokeResult, SkillError, Trust, Usage } from "../invoke.ts";
import { hashJson } from "../policy/canonical-json.ts";
import type { CallDecision } from "../policy/decide-call.ts";
import type { EffectivePolicy, GrantedPolicy } from "../policy/effective-policy.ts";
import { PolicyBook } from "../policy/policy-book.ts";
import { findJsonFault, type JsonValue } from "../protocol.ts";
import type { CallQuery, Runtime, RuntimeOptions, RuntimeStats } from "../runtime.ts";
import { type CallEnd, limitError, toCallEnd } from "./call-end.ts";
import { CallSlots, type Slot } from "./call-slots.ts";
import { detectLayers } from "./layers/detect-layers.ts";
import type { Layers } from "./layers/layers.ts";
import { checkLayerNames, missingLayersFor } from "./layers/missing-layers.ts";
import { type NoProcess, type PoolEnd, ProcessPool } from "./process-pool.ts";
import { Quarantine } from "./quarantine.ts";
import { toProcessCall } from "./to-process-call.ts";

const DETECT_AFTER_MS = 300;
const MAX_INPUT_BYTES = 1_048_576;
const MAX_CODE_BYTES = 16 * 1_048_576;
const NO_USAGE: Usage = { wallMs: 0, cpuMs: 0, memoryMiB: 0, outputBytes: 0 };

/**
 * Opens the runtime: reads the policies and starts the first sandbox processes. Rejects with
 * `PolicyError` when a policy cannot be used, with `RangeError` when a secret or the name of a layer
 * cannot, and, where it waits for them, with `Error` when a process does not start.
 */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { minProcesses: min = 2, maxProcesses = 8, onNotice = () => undefined } = options;
  checkLayerNames(options.allowMissingLayers ?? []);
  const secrets = parseSecretValues(options.secrets ?? {});
  const policies = await PolicyBook.open(options.policyDir, onNotice);
  const pool = new ProcessPool({ min, max: Math.max(min, maxProcesses), onNotice });
  const runtime = new SandboxRuntime({ policies, pool, secrets, options });
  const opening = pool.open();
  opening.catch(() => undefined);
  try {
    if (options.startInBackground !== true) await opening;
    return runtime;
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

interface RuntimeParts {
  readonly policies: PolicyBook;
  readonly pool: ProcessPool;
  readonly secrets: SecretValues;
  readonly options: RuntimeOptions;
}

/** One call on its way: what is known before a process runs it. */
interface PlannedCall {
  readonly request: InvokeRequest;
  readonly callId: string;
  readonly policy: GrantedPolicy;
  readonly input: string;
  readonly seed: string;
  readonly startMs: number;
  readonly signal: AbortSignal | undefined;
}

class SandboxRuntime implements Runtime {
  readonly #policies: PolicyBook;
  readonly #pool: ProcessPool;
  readonly #options: RuntimeOptions;
  readonly #broker: Omit<BrokerDeps, "onHostCall" | "onLog">;
  readonly #slots = new CallSlots();
  readonly #quarantine = new Quarantine();
  /** Settles when it is known what this host has: no process of ours tries it out any more. */
  #detection: Promise<void> | undefined;
  readonly #detectTimer: NodeJS.Timeout;
  #layers: Layers | undefined;
  #calls = 0;
  #running = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #errors = 0;
  #kills = 0;

  constructor({ policies, pool, secrets, options }: RuntimeParts) {
    this.#policies = policies;
    this.#pool = pool;
    this.#options = options;
    const leakScanner = createLeakScanner(secrets);
    const { kv = openMemoryKv(), resolveHost: resolve } = options;
    this.#broker = { services: createServices({ kv, secrets, leakScanner, resolve }), leakScanner };
    // Later, so that a first call does not share the machine with the trial.
    this.#detectTimer = setTimeout(() => {
      this.#detect().catch(() => undefined);
    }, DETECT_AFTER_MS);
    this.#detectTimer.unref();
  }

  async invoke(request: InvokeRequest, signal?: AbortSignal): Promise<InvokeResult> {
    this.#calls += 1;
    this.#running += 1;
    try {
      return await this.#invoke(request, signal);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #invoke(request: InvokeRequest, signal: AbortSignal | undefined): Promise<InvokeResult> {
    const policy = this.#policies.effective(request.skill, request.label);
    const callId = request.callId ?? randomUUID();
    const replay = request.replay ?? {
      seed: randomUUID(),
      startMs: Date.now(),
    };
    const ended = await this.#attempt({ request, callId, ...replay, signal }, policy);
    if (ended.end.kind === "error") this.#errors += 1;
    this.#record({ request, callId, ...replay }, policy, ended);
    return { ...ended.end, usage: ended.usage, policyHash: policy.hash };
  }

  decide({ skill, tool, label }: CallQuery): CallDecision {
    return this.#policies.decide(skill, tool, label);
  }

  stats(): RuntimeStats {
    return {
      processes: this.#pool.list(),
      queued: this.#pool.waiting,
      calls: this.#calls,
      errors: this.#errors,
      kills: this.#kills,
      starts: this.#pool.starts,
      quarantined: this.#quarantine.list(Date.now()),
      layers: this.#layers?.states ?? [],
    };
  }

  release(skillDigest: string): void {
    this.#quarantine.release(skillDigest);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#policies.close();
    await this.#pool.close();
    // The last calls are told before whoever is told is closed.
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#running > 0) await idle;
    clearTimeout(this.#detectTimer);
    await this.#detection;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #attempt(
    call: Omit<PlannedCall, "policy" | "input">,
    policy: EffectivePolicy,
  ): Promise<EndedCall> {
    if (policy.kind === "denied") return refused({ code: "denied", ...toDenial(policy) });
    const { skill, tool, label } = call.request;
    const decision = this.#policies.decide(skill, tool, label);
    if (decision.kind === "denied") return refused({ code: "denied", ...toDenial(decision) });
    if (call.signal?.aborted === true) return refused(CANCELLED);
    const missing = await this.#findMissingLayer(call.request.skill.trust);
    if (missing !== undefined) return refused(toLayerError(missing, call.request.skill.trust));
    const input = toInputText(call.request);
    if (typeof input !== "string") return refused(input);
    const cordon = toCordon(call.request, policy);
    const out = this.#quarantine.find(cordon, call.request.skill.digest, Date.now());
    if (out !== undefined) return refused(toQuarantined(out.untilMs));
    return this.#runInSlots({ ...call, policy, input }, cordon);
  }

  /** What this host lacks for the skill. Our own skills do not wait until that is known. */
  async #findMissingLayer(trust: Trust): Promise<string | undefined> {
    if (trust === "first-party" && this.#layers === undefined) return undefined;
    const layers = this.#layers ?? (await this.#detect());
    return missingLayersFor(trust, layers, this.#options.allowMissingLayers)[0];
  }

  #detect(): Promise<Layers> {
    const detecting = detectLayers();
    this.#detection = detecting.then(
      (layers) => {
        this.#layers = layers;
      },
      () => undefined,
    );
    return detecting;
  }

  /** Runs the call when its skill and user have no more calls running than they may. */
  async #runInSlots(call: PlannedCall, cordon: string): Promise<EndedCall> {
    const { policy, signal } = call;
    const startedMs = performance.now();
    const slots = toSlots(call);
    const taking = this.#slots.take(slots, { waitMs: policy.limits.queueMs, signal });
    const taken = taking instanceof Promise ? await taking : taking;
    if (taken.kind === "cancelled") return refused(CANCELLED);
    if (taken.kind === "full") return refused(toConcurrencyError(taken.slot, policy));
    try {
      const waitedMs = performance.now() - startedMs;
      return await this.#run(call, cordon, Math.max(1, policy.limits.queueMs - waitedMs));
    } finally {
      this.#slots.free(slots);
    }
  }

  async #run(call: PlannedCall, cordon: string, queueMs: number): Promise<EndedCall> {
    const { request, callId, policy, signal } = call;
    const { skill, userId } = request;
    const { onHostCall, onLog } = this.#options;
    const deps = { ...this.#broker, onHostCall, onLog };
    const broker = new CallBroker({ callId, skill, userId, policy }, deps);
    const end = await this.#pool.run(
      { cordon, queueMs, call: toProcessCall(call, broker) },
      signal,
    );
    if (broker.isServing) await broker.finish();
    this.#note(call, cordon, end);
    if (!("pid" in end)) return refused(toUnrunError(end, policy));
    const { denial, calls: hostCalls } = broker;
    return { ...toCallEnd(end, { policy, denial }), hostCalls };
  }

  /** Tells of a process that the call cost, and judges the skill. */
  #note({ callId, request, signal }: PlannedCall, cordon: string, end: PoolEnd): void {
    const { onNotice } = this.#options;
    const { skill } = request;
    const about = { callId, skillDigest: skill.digest };
    const isKilled =
      end.kind === "killed" && end.reason !== "cancelled" && end.reason !== "retired";
    const wasKilled = isKilled || (end.kind === "died" && signal?.aborted !== true);
    if (end.kind === "killed" && "pid" in end) {
      this.#kills += 1;
      onNotice?.({ kind: "process-killed", pid: end.pid, reason: end.reason, ...about });
    }
    if (end.kind === "died") {
      this.#kills += 1;
      const { signal: deathSignal, exitCode, stderr } = end.death;
      const death = { signal: deathSignal, exitCode, stderr };
      onNotice?.({ kind: "process-died", pid: end.pid, ...death, ...about });
    }
    const begun = this.#quarantine.note(cordon, skill, { wasKilled, nowMs: Date.now() });
    if (begun === undefined) return;
    const { kills, untilMs } = begun;
    const named = { skill: skill.name, skillDigest: skill.digest };
    onNotice?.({ kind: "skill-quarantined", ...named, kills, untilMs });
  }

  #record(
    {
      request,
      callId,
      seed,
      startMs,
    }: Pick<PlannedCall, "request" | "callId" | "seed" | "startMs">,
    policy: EffectivePolicy,
    { end, usage, hostCalls }: EndedCall,
  ): void {
    const { onCall } = this.#options;
    if (onCall === undefined) return;
    const { skill, tool, userId, input } = request;
    const { name, version, digest } = skill;
    onCall({
      callId,
      skill: { name, version, digest },
      tool,
      userId,
      policyHash: policy.hash,
      seed,
      startMs,
      ...(findJsonFault(input) === undefined ? summaryOf(input) : { inputHash: "", inputBytes: 0 }),
      outcome: end.kind === "ok" ? "ok" : end.error.code,
      rule: end.kind === "ok" ? undefined : end.error.rule,
      usage,
      hostCalls,
    });
  }
}

interface EndedCall extends CallEnd {
  readonly hostCalls: number;
}

function toDenial({ message, rule }: { readonly message: string; readonly rule: string }) {
  return { message, rule };
}

const CANCELLED: SkillError = { code: "cancelled", message: "The call was cancelled" };

function refused(error: SkillError): EndedCall {
  return { end: { kind: "error", error }, usage: NO_USAGE, hostCalls: 0 };
}

function toUnrunError({ kind, waitedMs }: NoProcess, policy: GrantedPolicy): SkillError {
  switch (kind) {
    case "cancelled":
      return CANCELLED;
    case "overloaded":
      return { code: "overloaded", message: "Too many calls wait for a sandbox process" };
    case "queue-time":
      return limitError("queue-time", waitedMs, { policy });
    default:
      return kind satisfies never;
  }
}

/** Whose calls may share a process: those of one trust and, unless the policy lets them, one user. */
function toCordon({ skill, userId }: InvokeRequest, { users }: GrantedPolicy): string {
  return users === "shared" ? skill.trust : `${skill.trust}/${userId}`;
}

function toSlots({ request, policy }: PlannedCall): readonly Slot[] {
  const { callsPerSkill, callsPerUser } = policy.limits;
  return [
    { name: `skill ${request.skill.digest}`, most: callsPerSkill },
    { name: `user ${request.userId}`, most: callsPerUser },
  ];
}

function toConcurrencyError({ name, most }: Slot, { limitRules }: GrantedPolicy): SkillError {
  const isSkill = name.startsWith("skill ");
  return {
    code: "concurrency",
    message: `Too many calls of this ${isSkill ? "skill" : "user"} are running: at most ${most} may`,
    limit: most,
    used: most + 1,
    rule: isSkill ? limitRules.callsPerSkill : limitRules.callsPerUser,
  };
}

function toLayerError(layer: string, trust: Trust): SkillError {
  return {
    code: "denied",
    message: `This host lacks the layer "${layer}", without which no ${trust} skill runs here`,
    rule: `platform: layer ${layer}`,
  };
}

function toQuarantined(untilMs: number): SkillError {
  const until = new Date(untilMs).toISOString();
  return {
    code: "quarantined",
    message: `The skill was killed too often and is out of use until ${until}`,
    rule: "platform: quarantine",
  };
}

function summaryOf(input: JsonValue) {
  return {
    inputHash: hashJson(input),
    inputBytes: Buffer.byteLength(JSON.stringify(input) ?? "null"),
  };
}

/** The input as JSON text, or why it cannot be sent. */
function toInputText({ input, skill }: InvokeRequest): string | SkillError {
  if (skill.code.length > MAX_CODE_BYTES) {
    const message = `The skill's code has ${skill.code.length} bytes, expected at most ${MAX_CODE_BYTES}`;
    return { code: "denied", message, rule: "platform: code size" };
  }
  const fault = findJsonFault(input);
  if (fault !== undefined) {
    return { code: "invalid-input", message: `The input cannot be used: ${fault}` };
  }
  const text = JSON.stringify(input) ?? "null";
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_INPUT_BYTES) return text;
  const message = `The input has ${bytes} bytes, expected at most ${MAX_INPUT_BYTES}`;
  return { code: "invalid-input", message, rule: "platform: input size" };
}
