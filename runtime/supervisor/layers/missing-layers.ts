import type { Trust } from "../../invoke.ts";
import { LAYER_NAMES, type LayerName, type Layers } from "./layers.ts";

/** The layers without which skills of a trust do not run. */
const NEEDED: Readonly<Record<Trust, readonly LayerName[]>> = {
  "first-party": ["kill-at-deadline"],
  verified: ["kill-at-deadline", "no-files", "no-programs"],
  community: [
    "kill-at-deadline",
    "no-files",
    "no-programs",
    "no-network",
    "no-new-privileges",
    "rlimits",
  ],
};

/**
 * The layers that a skill of `trust` needs and this host lacks, but for those that the operator
 * allows to be missing. Throws `RangeError` when an allowed name is no layer's.
 */
export function missingLayersFor(
  trust: Trust,
  { states }: Layers,
  allowMissing: readonly string[] = [],
): readonly LayerName[] {
  checkLayerNames(allowMissing);
  const inForce = new Set(states.filter(({ isInForce }) => isInForce).map(({ name }) => name));
  return NEEDED[trust].filter((name) => !inForce.has(name) && !allowMissing.includes(name));
}

/** Throws `RangeError` when one of `names` is no layer's. */
export function checkLayerNames(names: readonly string[]): void {
  const known: readonly string[] = LAYER_NAMES;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const expected = known.join(", ");
  throw new RangeError(`Cannot allow a missing layer "${unknown}": expected one of ${expected}`);
}
