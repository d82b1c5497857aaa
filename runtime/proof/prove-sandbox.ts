import { createRequire } from "node:module";
import process from "node:process";
import type { LayerState, RuntimeOptions } from "../runtime.ts";
import { LAYER_NAMES } from "../supervisor/layers/layers.ts";
import type { Attack, AttackGroup } from "./attack.ts";
import type { ProofResult } from "./attack-range.ts";

export interface ProofOptions extends Pick<RuntimeOptions, "policyDir"> {
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

export const PROOF_RUNTIME = {
  /** Room for the attacker, the neighbours and a spare, so that none waits for a start. */
  maxProcesses: 6,
  /** Where a layer is missing, community skills may not run, and attacks must all the same. */
  allowMissingLayers: LAYER_NAMES,
};

/**
 * Runs every attack against this host and the policies in `policyDir`, one after the other, and
 * tells of each when it is over. Throws as `openRuntime` does, and `ProofError`. Leaving the loop
 * early ends it.
 */
export async function* proveSandbox({
  group,
  policyDir,
}: ProofOptions): AsyncGenerator<ProofEvent, void> {
  // Loaded when they are needed: who only runs skills has no use for 158 attacks.
  const [{ ATTACKS }, { AttackRange }] = await Promise.all([
    import("./attacks.ts"),
    import("./attack-range.ts"),
  ]);
  const attacks = ATTACKS.filter((each) => group === undefined || each.group === group);
  const onNetwork = attacks.filter((each) => each.group === "network");
  const others = attacks.filter((each) => each.group !== "network");
  const startedMs = performance.now();
  const results: ProofResult[] = [];
  let layers: readonly LayerState[] = [];
  const ranges = [
    { attacks: others, open: () => AttackRange.open({ ...PROOF_RUNTIME, policyDir }) },
    { attacks: onNetwork, open: () => AttackRange.openOnNetwork(PROOF_RUNTIME) },
  ];
  for (const { attacks: these, open } of ranges) {
    if (these.length === 0) continue;
    const range = await open();
    try {
      if (results.length === 0) yield { kind: "begun", attacks: [...others, ...onNetwork] };
      for (const attack of these) {
        const result = await range.prove(attack);
        results.push(result);
        yield { kind: "attacked", ...result };
      }
      ({ layers } = range.runtime.stats());
    } finally {
      await range.close();
    }
  }
  const held = results.filter(({ faults }) => faults.length === 0).length;
  const breached = results.length - held;
  const ms = performance.now() - startedMs;
  yield { kind: "ended", held, breached, ms, layers, versions: listVersions() };
}

function listVersions(): Readonly<Record<string, string>> {
  const { version } = createRequire(import.meta.url)("isolated-vm/package.json") as {
    readonly version: string;
  };
  return { node: process.versions.node, v8: process.versions.v8, "isolated-vm": version };
}
