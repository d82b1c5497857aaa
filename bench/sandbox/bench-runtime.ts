import { fileURLToPath } from "node:url";
import {
  type InvokeResult,
  openRuntime,
  type Runtime,
  type RuntimeOptions,
  type SkillCode,
} from "../../runtime/index.ts";
import { ECHO } from "../echo-skill.ts";

export const POLICY_DIR = fileURLToPath(new URL("../../sandbox-policies", import.meta.url));

/** A runtime on the shipped policies. */
export function openBenchRuntime(options: Partial<RuntimeOptions> = {}): Promise<Runtime> {
  return openRuntime({ policyDir: POLICY_DIR, ...options });
}

/** Calls `skill` for `userId`. */
export function invoke(
  runtime: Runtime,
  skill: SkillCode,
  userId: string = "bench",
): Promise<InvokeResult> {
  return runtime.invoke({ skill, ...ECHO, userId });
}

/** The same, timed in milliseconds. Throws when the call fails: its time would mean nothing. */
export async function timeCall(
  runtime: Runtime,
  skill: SkillCode,
  userId?: string,
): Promise<number> {
  const startedMs = performance.now();
  const result = await invoke(runtime, skill, userId);
  const tookMs = performance.now() - startedMs;
  if (result.kind === "ok") return tookMs;
  throw new Error(`Cannot measure: "${skill.name}" ended with ${JSON.stringify(result.error)}`);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Waits until a process is ready that no call has used: what follows measures no start. */
export async function waitForSpare(runtime: Runtime): Promise<void> {
  while (runtime.stats().processes.every(({ state }) => state !== "spare")) await pause(5);
}
