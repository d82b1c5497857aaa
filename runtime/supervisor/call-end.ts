import type { InvokeResult, SkillError, SkillErrorCode, Usage } from "../invoke.ts";
import type { GrantedPolicy } from "../policy/effective-policy.ts";
import type { Ruling } from "../policy/grants.ts";
import type { Limits } from "../policy/limits.ts";
import { findJsonFault, type HostOutcome, type JsonValue } from "../protocol.ts";
import type { KillReason } from "../runtime.ts";
import type { ProcessDeath, ProcessEnd, ResultFrame } from "./sandbox-process.ts";

/** What a call came to, and what it took. */
export interface CallEnd {
  readonly end:
    | { readonly kind: "ok"; readonly output: JsonValue }
    | Omit<Extract<InvokeResult, { kind: "error" }>, "usage" | "policyHash">;
  readonly usage: Usage;
}

interface EndedCall {
  readonly policy: GrantedPolicy;
  /** The first host call that was denied. */
  readonly denial: Ruling | undefined;
}

/** The end of a call as its caller sees it. What a sandbox process says is checked once more. */
export function toCallEnd(
  end: Exclude<ProcessEnd, { kind: "unstarted" }>,
  call: EndedCall,
): CallEnd {
  const { wallMs } = end;
  switch (end.kind) {
    case "result":
      return fromResult(end.result, end.body, { ...call, wallMs });
    case "killed": {
      const { halted } = end;
      const error =
        halted?.kind === "error" && end.reason !== "cancelled"
          ? fromOutcome(halted, call)
          : fromKill(end.reason, end.used, call);
      const cpuMs = end.reason === "cpu-time" ? end.used : 0;
      const usage = { wallMs, cpuMs, memoryMiB: 0, outputBytes: 0 };
      return { end: { kind: "error", error }, usage };
    }
    case "died": {
      const usage = { wallMs, cpuMs: 0, memoryMiB: 0, outputBytes: 0 };
      return { end: { kind: "error", error: fromDeath(end.death, call) }, usage };
    }
    default:
      return end satisfies never;
  }
}

function fromResult(
  result: ResultFrame,
  body: Buffer,
  call: EndedCall & { readonly wallMs: number },
): CallEnd {
  const { cpuMs, memoryMiB, outcome } = result;
  const usage = { wallMs: call.wallMs, cpuMs, memoryMiB, outputBytes: body.length };
  const error =
    outcome.kind === "error" ? fromOutcome(outcome, call) : findOverrun(result, body, call);
  if (error !== undefined) return { end: { kind: "error", error }, usage };
  const output = parseOutput(body);
  if ("error" in output) return { end: { kind: "error", error: output.error }, usage };
  return { end: { kind: "ok", output: output.value }, usage };
}

/** Limits that only the end shows: processor time, and the output of a process that lies. */
function findOverrun(
  { cpuMs }: ResultFrame,
  body: Buffer,
  call: EndedCall,
): SkillError | undefined {
  const outputKiB = Math.ceil(body.length / 1024);
  if (outputKiB > call.policy.limits.outputKiB) {
    return limitError("output-size", outputKiB, call);
  }
  return cpuMs > call.policy.limits.cpuMs ? limitError("cpu-time", cpuMs, call) : undefined;
}

function parseOutput(body: Buffer): { readonly value: JsonValue } | { readonly error: SkillError } {
  try {
    const value: JsonValue = JSON.parse(body.toString());
    const fault = findJsonFault(value);
    if (fault === undefined) return { value };
    return { error: { code: "invalid-output", message: `The output cannot be used: ${fault}` } };
  } catch {
    return { error: { code: "invalid-output", message: "The output is no JSON text" } };
  }
}

function fromOutcome(
  { code, message, used }: Extract<HostOutcome, { kind: "error" }>,
  call: EndedCall,
): SkillError {
  if (isLimitCode(code)) return limitError(code, used ?? 0, call, message);
  if (code !== "denied") return { code, message };
  return { code, message, rule: call.denial?.rule ?? "platform: admission" };
}

function fromKill(reason: KillReason, used: number, call: EndedCall): SkillError {
  switch (reason) {
    case "wall-time":
    case "cpu-time":
    case "memory":
      return limitError(reason, used, call);
    case "cancelled":
      return { code: "cancelled", message: "The call was cancelled" };
    case "bad-frame":
      return { code: "crashed", message: "The sandbox process sent what is no frame" };
    case "halted":
    case "retired":
      return { code: "crashed", message: "The sandbox process was retired during the call" };
    default:
      return reason satisfies never;
  }
}

const OUT_OF_MEMORY =
  /out of memory|heap limit|allocation failed|is_heap_oom = 1|invalid (?:array|size)/iu;

function fromDeath(
  { signal, exitCode, stderr, isOutOfMemory }: ProcessDeath,
  call: EndedCall,
): SkillError {
  if (isOutOfMemory || OUT_OF_MEMORY.test(stderr)) return limitError("memory", 0, call);
  return { code: "crashed", message: `The sandbox process ended with ${signal ?? exitCode}` };
}

const LIMIT_OF = {
  "wall-time": { limit: "wallMs", message: "The skill ran too long" },
  "cpu-time": { limit: "cpuMs", message: "The skill took too much processor time" },
  memory: { limit: "memoryMiB", message: "The skill used too much memory" },
  "output-size": { limit: "outputKiB", message: "The output is too large" },
  "log-size": { limit: "logKiB", message: "The skill logged too much" },
  "host-calls": { limit: "hostCalls", message: "The skill made too many host calls" },
  "host-call-rate": {
    limit: "hostCallsPerSecond",
    message: "The skill made too many host calls in a second",
  },
  "host-call-concurrency": {
    limit: "hostCallsAtOnce",
    message: "The skill made too many host calls at a time",
  },
  "queue-time": { limit: "queueMs", message: "No sandbox process became free in time" },
} as const satisfies Partial<Record<SkillErrorCode, { limit: keyof Limits; message: string }>>;

function isLimitCode(code: SkillErrorCode): code is keyof typeof LIMIT_OF {
  return Object.hasOwn(LIMIT_OF, code);
}

/** The error of a limit that was passed by at least its own value. */
export function limitError(
  code: keyof typeof LIMIT_OF,
  used: number,
  { policy }: Pick<EndedCall, "policy">,
  message: string = LIMIT_OF[code].message,
): SkillError {
  const { limit: name } = LIMIT_OF[code];
  const limit = policy.limits[name];
  const atLeast = Math.max(Math.ceil(used), limit);
  const text = `${message}: ${name} is ${limit}, it used ${atLeast}`;
  return { code, message: text, limit, used: atLeast, rule: policy.limitRules[name] };
}
