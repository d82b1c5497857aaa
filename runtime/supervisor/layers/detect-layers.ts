import { createRequire } from "node:module";
import { sandboxFlags } from "../host-flags.ts";
import { type CgroupRoots, findCgroups } from "./cgroup.ts";
import { findLaunchPlan } from "./find-launch-plan.ts";
import { type LaunchPlan, toLauncher } from "./launcher.ts";
import type { Layers } from "./layers.ts";
import { runTrial, type Trial } from "./run-trial.ts";
import { toLayerStates } from "./to-layer-states.ts";

const require = createRequire(import.meta.url);

let detected: Promise<Layers> | undefined;

/**
 * The layers that this host has for sandbox processes, found by starting a process inside of them;
 * once for each thread, the answer is kept. A host that has none still gives an answer; rejects
 * only when not even a bare process starts.
 */
export function detectLayers(): Promise<Layers> {
  detected ??= detect();
  return detected;
}

async function detect(): Promise<Layers> {
  const [{ plan, tools, reasons }, found] = await Promise.all([findLaunchPlan(), findCgroups()]);
  const cgroups = "version" in found ? found : undefined;
  const cgroupReason = "version" in found ? undefined : found.reason;
  const options = { flags: sandboxFlags(), addon: require.resolve("isolated-vm") };
  let failure: string | undefined;
  for (const choice of weakerAndWeaker({ plan, cgroups })) {
    const inside = { launcher: toLauncher(choice.plan, tools), cgroups: choice.cgroups };
    const trial: Trial = await runTrial(inside, options);
    if (trial.kind === "ran") {
      const states = toLayerStates(trial, { ...reasons, cgroups: cgroupReason }, failure);
      return { ...inside, states };
    }
    failure ??= trial.reason;
  }
  throw new Error(`Cannot start a sandbox process: ${failure}`);
}

interface Choice {
  readonly plan: LaunchPlan;
  readonly cgroups: CgroupRoots | undefined;
}

/** All that works by itself; should it not work together, less by one part; in the end nothing. */
function weakerAndWeaker({ plan, cgroups }: Choice): readonly Choice[] {
  const { namespaces } = plan;
  const withoutPid = namespaces && { ...namespaces, pid: false };
  return [
    { plan, cgroups },
    { plan: { ...plan, userId: undefined }, cgroups },
    { plan: { ...plan, namespaces: withoutPid }, cgroups },
    { plan: { ...plan, hasRlimits: false }, cgroups },
    { plan, cgroups: undefined },
    { plan: { ...plan, userId: undefined, namespaces: withoutPid }, cgroups },
    { plan: { ...plan, namespaces: undefined, privileges: plan.privileges && "no-new" }, cgroups },
    {
      plan: { privileges: plan.privileges && "no-new", hasRlimits: plan.hasRlimits },
      cgroups: undefined,
    },
    { plan: { namespaces: withoutPid }, cgroups: undefined },
    { plan: {}, cgroups: undefined },
  ];
}
