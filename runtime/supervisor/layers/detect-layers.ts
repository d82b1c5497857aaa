import { createRequire } from "node:module";
import { readablePaths, sandboxFlags } from "../host-flags.ts";
import { type CgroupRoots, findCgroups } from "./cgroup.ts";
import { type FoundPlan, findLaunchPlan } from "./find-launch-plan.ts";
import { type LaunchPlan, toLauncher } from "./launcher.ts";
import type { Layers } from "./layers.ts";
import { runTrial, type Trial } from "./run-trial.ts";
import { toLayerStates } from "./to-layer-states.ts";

const require = createRequire(import.meta.url);

let planned: Promise<Planned> | undefined;
let detected: Promise<Layers> | undefined;
let tried: Layers | undefined;

/** What to start a process inside of: until it is tried as a whole, each part that works by itself. */
export async function planLayers(): Promise<Pick<Layers, "launcher" | "cgroups">> {
  if (tried !== undefined) return tried;
  planned ??= plan();
  const { found, cgroups } = await planned;
  return { launcher: toLauncher(found.plan, found.tools), cgroups };
}

/**
 * The layers that this host has for sandbox processes, found by starting a process inside of them;
 * once for each thread: the answer is kept. A host that has none still gives an answer; rejects
 * only when not even a bare process starts.
 */
export function detectLayers(): Promise<Layers> {
  planned ??= plan();
  detected ??= planned.then(detect).catch((error: unknown) => {
    // What kept it from starting may pass.
    planned = undefined;
    detected = undefined;
    throw error;
  });
  return detected;
}

interface Planned {
  readonly found: FoundPlan;
  readonly cgroups: CgroupRoots | undefined;
  readonly cgroupReason: string | undefined;
}

async function plan(): Promise<Planned> {
  const [found, cgroups] = await Promise.all([findLaunchPlan(readablePaths()), findCgroups()]);
  return "version" in cgroups
    ? { found, cgroups, cgroupReason: undefined }
    : { found, cgroups: undefined, cgroupReason: cgroups.reason };
}

async function detect({ found, cgroups, cgroupReason }: Planned): Promise<Layers> {
  const { tools, reasons } = found;
  const options = { flags: sandboxFlags(), addon: require.resolve("isolated-vm") };
  let failure: string | undefined;
  for (const choice of weakerAndWeaker({ plan: found.plan, cgroups })) {
    const inside = { launcher: toLauncher(choice.plan, tools), cgroups: choice.cgroups };
    const trial: Trial = await runTrial(inside, options);
    if (trial.kind === "ran") {
      const states = toLayerStates(trial, { ...reasons, cgroups: cgroupReason }, failure);
      tried = { ...inside, states };
      return tried;
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
function weakerAndWeaker({ plan: whole, cgroups }: Choice): readonly Choice[] {
  const plan = { ...whole, files: undefined };
  const { namespaces } = plan;
  const withoutPid = namespaces && { ...namespaces, pid: false };
  const privileges = plan.privileges && "no-new";
  return [
    { plan: whole, cgroups },
    { plan, cgroups },
    { plan: { ...plan, userId: undefined }, cgroups },
    { plan: { ...plan, namespaces: withoutPid }, cgroups },
    { plan: { ...plan, hasRlimits: false }, cgroups },
    { plan, cgroups: undefined },
    { plan: { ...plan, userId: undefined, namespaces: withoutPid }, cgroups },
    { plan: { ...plan, namespaces: undefined, privileges }, cgroups },
    { plan: { privileges, hasRlimits: plan.hasRlimits }, cgroups: undefined },
    { plan: { namespaces: withoutPid }, cgroups: undefined },
    { plan: {}, cgroups: undefined },
  ];
}
