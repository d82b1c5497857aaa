import { createRequire } from "node:module";
import process from "node:process";
import type { LayerState, RuntimeOptions } from "../runtime.ts";
import type { Attack, AttackGroup } from "./attack.ts";
import { AttackRange, type ProofResult } from "./attack-range.ts";
import { ATTACKS } from "./attacks.ts";

export interface ProofOptions extends Pick<RuntimeOptions, "policyDir" | "allowMissingLayers"> {
  /** The attacks of this group alone. */
  readonly group?: AttackGroup | undefined;
}

export type ProofEvent =
  | { readonly kind: "begun"; readonly attacks: readonly Pick<Attack, "group" | "name">[] }
  | ({ readonly kind: "attacked" } & ProofResult)
  | ({ readonly kind: "ended" } & ProofSummary);

export interface ProofSummary {
  readonly held: number;
  readonly breached: number;
  readonly ms: number;
  /** The layers around every sandbox process. */
  readonly layers: readonly LayerState[];
  /** Of what the sandbox is made of, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const PROCESSES = 4;

/**
 * Runs every attack against this host and the policies in `policyDir`, one after the other, and
 * tells of each when it is over. Throws as `openRuntime` does, and where innocent skills do not
 * work under these policies. Leaving the loop early ends it.
 */
export async function* proveSandbox({
  group,
  ...options
}: ProofOptions): AsyncGenerator<ProofEvent, void> {
  const attacks = ATTACKS.filter((each) => group === undefined || each.group === group);
  const startedMs = performance.now();
  const range = await AttackRange.open({ ...options, maxProcesses: PROCESSES });
  try {
    yield { kind: "begun", attacks };
    let breached = 0;
    for (const attack of attacks) {
      const result = await range.prove(attack);
      if (result.faults.length > 0) breached += 1;
      yield { kind: "attacked", ...result };
    }
    const { layers } = range.runtime.stats();
    const ms = performance.now() - startedMs;
    const held = attacks.length - breached;
    yield { kind: "ended", held, breached, ms, layers, versions: listVersions() };
  } finally {
    await range.close();
  }
}

function listVersions(): Readonly<Record<string, string>> {
  const { version } = createRequire(import.meta.url)("isolated-vm/package.json") as {
    readonly version: string;
  };
  return { node: process.versions.node, v8: process.versions.v8, "isolated-vm": version };
}
