import type { LayerState } from "../../runtime.ts";
import type { CgroupRoots } from "./cgroup.ts";

/** What every sandbox process is started inside of on this host. Plain data. */
export interface Layers {
  /** Programs that each become the next one, the last of them the sandbox process. */
  readonly launcher: readonly string[];
  /** Where each process gets a control group of its own. */
  readonly cgroups?: CgroupRoots | undefined;
  /** Each layer, in force or not, as a process found it that was started inside of them. */
  readonly states: readonly LayerState[];
}

/** Each layer that can be missing, by its name, as people call it. */
export const LAYER_NAMES = [
  "no-files",
  "no-programs",
  "kill-at-deadline",
  "no-system-files",
  "no-network",
  "no-signals",
  "no-peeking",
  "other-user",
  "no-new-privileges",
  "no-capabilities",
  "rlimits",
  "memory-cgroup",
  "lowest-priority",
] as const;

export type LayerName = (typeof LAYER_NAMES)[number];
