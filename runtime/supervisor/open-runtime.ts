import type { Runtime, RuntimeOptions } from "../runtime.ts";

/** Opens the runtime. Rejects when a policy cannot be used or no sandbox process starts. */
export async function openRuntime({ policyDir }: RuntimeOptions): Promise<Runtime> {
  throw new Error(`Cannot open the runtime with policies of "${policyDir}": being built`);
}
