import { randomBytes, randomUUID } from "node:crypto";
import { CallBroker } from "../broker/call-broker.ts";
import type { InvokeRequest, InvokeResult, SkillCode, SkillError, Usage } from "../invoke.ts";
import {
  type EffectivePolicy,
  type GrantedPolicy,
  toEffectivePolicy,
} from "../policy/effective-policy.ts";
import { type Grants, isGranted } from "../policy/grants.ts";
import { readPolicies } from "../policy/read-policies.ts";
import type { SandboxPolicy } from "../policy/sandbox-policy.ts";
import { findJsonFault, type Grant, type JsonValue } from "../protocol.ts";
import type { Runtime, RuntimeOptions, RuntimeStats } from "../runtime.ts";
import { type CallEnd, toCallEnd } from "./call-end.ts";
import { ProcessPool } from "./process-pool.ts";
import type { ProcessEnd, SandboxProcess } from "./sandbox-process.ts";
import { toUnit } from "./units.ts";

const MAX_INPUT_BYTES = 1_048_576;
const MAX_CODE_BYTES = 16 * 1_048_576;
const SEED_BYTES = 16;
const NO_USAGE: Usage = { wallMs: 0, cpuMs: 0, memoryMiB: 0, outputBytes: 0 };

/**
 * Opens the runtime: reads the policies and starts the first sandbox processes. Rejects with
 * `PolicyError` when a policy cannot be used and, where it waits for them, with `Error` when a
 * process does not start.
 */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const policies = await readPolicies(options.policyDir);
  const { minProcesses: min = 2, maxProcesses = 4, onNotice = () => undefined } = options;
  const pool = new ProcessPool({ min, max: Math.max(min, maxProcesses), onNotice });
  const opening = pool.open();
  if (options.startInBackground === true) opening.catch(() => undefined);
  else await opening;
  return new SandboxRuntime(policies, pool, options);
}

/** One call on its way: what is known before a process runs it. */
interface PlannedCall {
  readonly request: InvokeRequest;
  readonly callId: string;
  readonly policy: GrantedPolicy;
  readonly input: string;
}

class SandboxRuntime implements Runtime {
  readonly #policies: readonly SandboxPolicy[];
  readonly #pool: ProcessPool;
  readonly #options: RuntimeOptions;
  readonly #effective = new WeakMap<SkillCode, EffectivePolicy>();
  #calls = 0;
  #errors = 0;
  #kills = 0;

  constructor(policies: readonly SandboxPolicy[], pool: ProcessPool, options: RuntimeOptions) {
    this.#policies = policies;
    this.#pool = pool;
    this.#options = options;
  }

  async invoke(request: InvokeRequest, signal?: AbortSignal): Promise<InvokeResult> {
    this.#calls += 1;
    const policy = this.#policyOf(request.skill);
    const { end, usage } = await this.#attempt(request, policy, signal);
    if (end.kind === "error") this.#errors += 1;
    return { ...end, usage, policyHash: policy.hash };
  }

  stats(): RuntimeStats {
    return {
      processes: this.#pool.list(),
      queued: this.#pool.waiting,
      calls: this.#calls,
      errors: this.#errors,
      kills: this.#kills,
      starts: this.#pool.starts,
      quarantined: [],
      layers: [],
    };
  }

  release(_skillDigest: string): void {
    // Nothing is quarantined yet.
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #attempt(
    request: InvokeRequest,
    policy: EffectivePolicy,
    signal: AbortSignal | undefined,
  ): Promise<CallEnd> {
    if (policy.kind === "denied") {
      const { message, rule } = policy;
      return refused({ code: "denied", message, rule });
    }
    const input = toInputText(request);
    if (typeof input !== "string") return refused(input);
    const process = await this.#pool.acquire(signal);
    if ("kind" in process) return refused(NO_PROCESS[process.kind]);
    if (signal?.aborted === true) {
      this.#pool.release(process);
      return refused(NO_PROCESS.cancelled);
    }
    const callId = request.callId ?? randomUUID();
    return this.#runIn(process, { request, callId, policy, input }, signal);
  }

  async #runIn(
    process: SandboxProcess,
    call: PlannedCall,
    signal: AbortSignal | undefined,
  ): Promise<CallEnd> {
    const cancel = () => process.kill("cancelled");
    signal?.addEventListener("abort", cancel, { once: true });
    const startedMs = performance.now();
    try {
      const end = await process.run(toProcessCall(call));
      this.#report(call, process.pid, end);
      return toCallEnd(end, { policy: call.policy, wallMs: performance.now() - startedMs });
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#pool.release(process);
    }
  }

  #report({ callId, policy, request }: PlannedCall, pid: number, end: ProcessEnd): void {
    const { onHostCall, onLog, onNotice } = this.#options;
    const skillDigest = request.skill.digest;
    if (end.kind === "result") {
      const { hostCalls, logs } = end.result;
      const { skill, userId } = request;
      const broker = new CallBroker(
        { callId, skill, userId, policy },
        { services: {}, onHostCall },
      );
      hostCalls.forEach(({ name, ms }, index) =>
        broker.note({ seq: index + 1, name, ms, args: null, result: null }),
      );
      if (onLog !== undefined) for (const text of logs) onLog({ callId, skillDigest, text });
      return;
    }
    this.#kills += 1;
    const about = { pid, callId, skillDigest };
    if (end.kind === "killed") {
      onNotice?.({ kind: "process-killed", reason: end.reason, ...about });
    } else {
      onNotice?.({ kind: "process-died", ...end.death, ...about });
    }
  }

  #policyOf(skill: SkillCode): EffectivePolicy {
    const known = this.#effective.get(skill);
    if (known !== undefined) return known;
    const policy = toEffectivePolicy(this.#policies, skill);
    this.#effective.set(skill, policy);
    return policy;
  }
}

const NO_PROCESS: Readonly<Record<"overloaded" | "cancelled", SkillError>> = {
  overloaded: { code: "overloaded", message: "No sandbox process became free in time" },
  cancelled: { code: "cancelled", message: "The call was cancelled before it ran" },
};

function refused(error: SkillError): CallEnd {
  return { end: { kind: "error", error }, usage: NO_USAGE };
}

function toProcessCall({ request, policy, input }: PlannedCall) {
  const unit = toUnit(request.skill);
  const { wallMs, cpuMs, memoryMiB, outputKiB, logKiB, hostCalls } = policy.limits;
  return {
    frame: {
      digest: unit.digest,
      tool: request.tool,
      limits: { memoryMiB, outputKiB, logKiB, hostCalls },
      grants: toHostGrants(policy.grants),
      startMs: Date.now(),
      seed: randomBytes(SEED_BYTES).toString("hex"),
    },
    input,
    unit: unit.bytes,
    wallMs,
    cpuMs,
  };
}

function toHostGrants(grants: Grants): Readonly<Record<Grant, boolean>> {
  return {
    log: isGranted(grants.log),
    clock: isGranted(grants.clock),
    random: isGranted(grants.random),
    config: isGranted(grants.config),
    http: isGranted(grants.http),
    kv: isGranted(grants.kv),
    schedule: isGranted(grants.schedule),
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
  const text = toJsonText(input);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_INPUT_BYTES) return text;
  const message = `The input has ${bytes} bytes, expected at most ${MAX_INPUT_BYTES}`;
  return { code: "invalid-input", message, rule: "platform: input size" };
}

function toJsonText(input: JsonValue): string {
  return JSON.stringify(input) ?? "null";
}
