import { z } from "zod";

/** What one call may take before it is stopped, and how long it may wait before it begins. */
export interface Limits {
  /** From the moment the sandbox process begins the call to its answer. */
  readonly wallMs: number;
  /** Processor time of the sandbox process during the call. */
  readonly cpuMs: number;
  readonly memoryMiB: number;
  /** The output as JSON text in UTF-8. */
  readonly outputKiB: number;
  readonly logKiB: number;
  /** Host calls in one call: all of them, in any one second, and unanswered at a time. */
  readonly hostCalls: number;
  readonly hostCallsPerSecond: number;
  readonly hostCallsAtOnce: number;
  /** Calls that run at a time: of one skill, and of one user under this policy. */
  readonly callsPerSkill: number;
  readonly callsPerUser: number;
  /** How long a call may wait until it begins. */
  readonly queueMs: number;
}

const amount = z.int().min(1).max(1_000_000);

/** The limits a manifest expects. The lowest of platform, policy and manifest holds. */
export const limitsSchema = z.strictObject({
  wallMs: amount.optional(),
  cpuMs: amount.optional(),
  memoryMiB: amount.min(8).optional(),
  outputKiB: amount.optional(),
  logKiB: amount.optional(),
  hostCalls: z.int().min(0).max(1_000_000).optional(),
});

/** What this runtime can hold a call to, whatever a policy says. */
export const PLATFORM_LIMITS: Limits = {
  wallMs: 60_000,
  cpuMs: 60_000,
  memoryMiB: 256,
  outputKiB: 4_096,
  logKiB: 1_024,
  hostCalls: 10_000,
  hostCallsPerSecond: 10_000,
  hostCallsAtOnce: 64,
  callsPerSkill: 1_000,
  callsPerUser: 1_000,
  queueMs: 60_000,
};
