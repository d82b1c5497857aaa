import { z } from "zod";

/** What one call may take before it is stopped. */
export interface Limits {
  /** From the moment the sandbox process gets the call to its answer. */
  readonly wallMs: number;
  /** Processor time of the sandbox process during the call. */
  readonly cpuMs: number;
  readonly memoryMiB: number;
  /** The output as JSON text in UTF-8. */
  readonly outputKiB: number;
  readonly logKiB: number;
  readonly hostCalls: number;
}

const amount = z.int().min(1).max(1_000_000);

/** The limits a manifest expects or a policy sets. The lowest of platform, policy and manifest holds. */
export const limitsSchema = z.strictObject({
  wallMs: amount.optional(),
  cpuMs: amount.optional(),
  memoryMiB: amount.min(8).optional(),
  outputKiB: amount.optional(),
  logKiB: amount.optional(),
  hostCalls: amount.min(0).optional(),
});

/** What this runtime can hold a call to, whatever a policy says. */
export const PLATFORM_LIMITS: Limits = {
  wallMs: 60_000,
  cpuMs: 60_000,
  memoryMiB: 256,
  outputKiB: 4_096,
  logKiB: 1_024,
  hostCalls: 10_000,
};
