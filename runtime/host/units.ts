import type { Unit } from "../protocol.ts";
import { unpackUnit } from "../protocol.ts";
import { Contract } from "./contract.ts";
import type { Engine } from "./engine.ts";
import { GuestStop } from "./guest-stop.ts";
import { IsolateEngine } from "./isolate-engine.ts";
import { createSha256 } from "./load-late.ts";
import { WasmEngine } from "./wasm-engine.ts";

export interface LoadedUnit {
  readonly engine: Engine;
  readonly contracts: ReadonlyMap<string, Contract>;
}

/** The units this process holds, by the sha256 of their bytes. */
export class Units {
  readonly #units = new Map<string, LoadedUnit>();

  load(digest: string, body: Buffer): void {
    const actual = createSha256().update(body).digest("hex");
    if (actual !== digest) {
      throw new Error(`Cannot load a unit: its sha256 is "${actual}", expected "${digest}"`);
    }
    const unit = unpackUnit(body);
    const contracts = new Map(unit.tools.map((tool) => [tool.name, new Contract(tool)]));
    this.#units.set(digest, { engine: createEngine(unit), contracts });
  }

  drop(digest: string): void {
    this.#units.get(digest)?.engine.dispose();
    this.#units.delete(digest);
  }

  find(digest: string): LoadedUnit | undefined {
    return this.#units.get(digest);
  }

  get(digest: string): LoadedUnit {
    const unit = this.#units.get(digest);
    if (unit === undefined) throw new Error(`Cannot run unit "${digest}": it was not loaded`);
    return unit;
  }
}

/** The contract of `tool`. Throws `GuestStop` when the skill has no such tool. */
export function getContract({ contracts }: LoadedUnit, tool: string): Contract {
  const contract = contracts.get(tool);
  if (contract === undefined) {
    const known = [...contracts.keys()].join(", ");
    throw new GuestStop("invalid-input", `The skill has no tool "${tool}", only ${known}`);
  }
  return contract;
}

function createEngine({ engine, code }: Unit): Engine {
  switch (engine) {
    case "isolate":
      return new IsolateEngine(code);
    case "wasm":
      return new WasmEngine(code);
    default:
      return engine satisfies never;
  }
}
