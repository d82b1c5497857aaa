import { z } from "zod";
import type { Limits } from "./limits.ts";

const amount = z.int().min(1).max(1_000_000);

/** The limits a policy sets, each of them. */
export const ceilingSchema = z.strictObject({
  wallMs: amount,
  cpuMs: amount,
  memoryMiB: amount.min(8),
  outputKiB: amount,
  logKiB: amount,
  hostCalls: z.strictObject({
    total: z.int().min(0).max(1_000_000),
    perSecond: amount,
    atOnce: amount,
  }),
  concurrency: z.strictObject({ perSkill: amount, perUser: amount }),
  queueMs: amount,
});

export type Ceiling = Readonly<z.output<typeof ceilingSchema>>;

/** Where a policy sets each limit. */
export const CEILING_PATHS = {
  wallMs: "ceiling.wallMs",
  cpuMs: "ceiling.cpuMs",
  memoryMiB: "ceiling.memoryMiB",
  outputKiB: "ceiling.outputKiB",
  logKiB: "ceiling.logKiB",
  hostCalls: "ceiling.hostCalls.total",
  hostCallsPerSecond: "ceiling.hostCalls.perSecond",
  hostCallsAtOnce: "ceiling.hostCalls.atOnce",
  callsPerSkill: "ceiling.concurrency.perSkill",
  callsPerUser: "ceiling.concurrency.perUser",
  queueMs: "ceiling.queueMs",
} as const satisfies Record<keyof Limits, string>;

export function toLimits({ hostCalls, concurrency, ...limits }: Ceiling): Limits {
  return {
    ...limits,
    hostCalls: hostCalls.total,
    hostCallsPerSecond: hostCalls.perSecond,
    hostCallsAtOnce: hostCalls.atOnce,
    callsPerSkill: concurrency.perSkill,
    callsPerUser: concurrency.perUser,
  };
}
