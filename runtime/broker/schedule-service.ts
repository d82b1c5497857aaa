import type { Service } from "./service.ts";

/** Declared so that skills can ask for it; a later version serves it. */
export const serveSchedule: Service = async ({ policy }) => ({
  ruling: policy.grants.schedule,
  outcome: { kind: "error", message: '"schedule" is not available in this version' },
});
