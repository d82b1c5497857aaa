import { createHash } from "node:crypto";
import type { SkillCode, ToolContract } from "../invoke.ts";
import type { Capabilities } from "../policy/capabilities.ts";
import type { JsonValue } from "../protocol.ts";

export interface SkillParts {
  readonly name?: string;
  /** The body of `run(tool, input, host)`, a whole module, or the bytes of a wasm module. */
  readonly body?: string;
  readonly source?: string;
  readonly wasm?: Uint8Array;
  readonly capabilities?: Capabilities;
  readonly limits?: SkillCode["limits"];
  readonly inputSchema?: JsonValue;
  readonly outputSchema?: JsonValue;
  readonly trust?: SkillCode["trust"];
}

const REASON = { reason: "to test it" };
const ALL_CAPABILITIES: Capabilities = { clock: REASON, random: REASON };
export const TOOL = "try-it";

/** A skill with one tool, `try-it`, that asks for clock and random unless told otherwise. */
export function createSkill(parts: SkillParts): SkillCode {
  const { name = "hostile", body = "return input;", wasm, trust = "community", limits } = parts;
  const source = parts.source ?? `export async function run(tool, input, host) { ${body} }`;
  const code = wasm ?? Buffer.from(source);
  const tool: ToolContract = {
    name: TOOL,
    inputSchema: parts.inputSchema ?? { type: "object" },
    outputSchema: parts.outputSchema,
  };
  return {
    name,
    version: "1.0.0",
    digest: createHash("sha256").update(`${name}\n`).update(code).digest("hex"),
    trust,
    engine: wasm === undefined ? "isolate" : "wasm",
    code,
    tools: [tool],
    capabilities: parts.capabilities ?? ALL_CAPABILITIES,
    limits,
  };
}
