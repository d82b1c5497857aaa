import type { CallBroker } from "../broker/call-broker.ts";
import type { InvokeRequest } from "../invoke.ts";
import type { GrantedPolicy } from "../policy/effective-policy.ts";
import { type Grants, isGranted } from "../policy/grants.ts";
import type { Grant } from "../protocol.ts";
import type { ProcessCall } from "./sandbox-process.ts";
import { toUnit } from "./units.ts";

interface PlannedCall {
  readonly request: InvokeRequest;
  readonly policy: GrantedPolicy;
  readonly input: string;
  readonly seed: string;
  readonly startMs: number;
}

/** A call as a sandbox process gets it: no names of people, no rules, only what it must hold to. */
export function toProcessCall(
  { request, policy, input, seed, startMs }: PlannedCall,
  broker: CallBroker,
): ProcessCall {
  const { skill, tool } = request;
  const unit = toUnit(skill);
  const { wallMs, cpuMs, memoryMiB, outputKiB, logKiB } = policy.limits;
  const { hostCalls, hostCallsPerSecond, hostCallsAtOnce } = policy.limits;
  return {
    frame: {
      digest: unit.digest,
      tool,
      limits: {
        memoryMiB,
        outputKiB,
        logKiB,
        hostCalls,
        hostCallsPerSecond,
        hostCallsAtOnce,
      },
      grants: toHostGrants(policy.grants),
      startMs,
      seed,
    },
    input,
    unit: unit.bytes,
    wallMs,
    cpuMs,
    broker,
    canPrepare: skill.engine === "isolate",
  };
}

const known = new WeakMap<Grants, Readonly<Record<Grant, boolean>>>();

function toHostGrants(grants: Grants): Readonly<Record<Grant, boolean>> {
  const before = known.get(grants);
  if (before !== undefined) return before;
  const made = {
    log: isGranted(grants.log),
    clock: isGranted(grants.clock),
    random: isGranted(grants.random),
    config: isGranted(grants.config),
    http: isGranted(grants.http),
    kv: isGranted(grants.kv),
    schedule: isGranted(grants.schedule),
  };
  known.set(grants, made);
  return made;
}
