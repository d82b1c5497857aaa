import type { Duplex } from "node:stream";
import { sandboxFlags } from "./host-flags.ts";
import { findHostProgram } from "./host-program.ts";
import type { Layers } from "./layers/layers.ts";
import { type HostProcess, spawnInLayers } from "./layers/spawn-in-layers.ts";

/** Starts the host program inside `layers`, with no right but to read its own code. */
export function spawnHost(layers: Pick<Layers, "launcher" | "cgroups">): HostProcess {
  return spawnInLayers(layers, [...sandboxFlags(), findHostProgram().file]);
}

/** The pipe to the watchdog thread, see `host/watchdog.ts`. */
export function watchPipeOf(child: HostProcess): Duplex {
  return child.stdio[3] as Duplex;
}
