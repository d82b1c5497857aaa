import { isDeepStrictEqual } from "node:util";
import type { SkillCode } from "../invoke.ts";
import type { JsonValue } from "../protocol.ts";
import type { Runtime } from "../runtime.ts";
import { createSkill, TOOL } from "./create-skill.ts";
import { encodeModule, wasm } from "./encode-module.ts";

const ENV = "extism:host/env";
/** So little that a call that pays for another one's work is noticed. */
const limits = { cpuMs: 150 };

const inIsolate = createSkill({
  name: "neighbour",
  body: "return { doubled: 2 * input.number };",
  limits,
});

const inWasm = createSkill({
  name: "neighbour-plugin",
  wasm: encodeModule({
    imports: [
      { kind: "function", module: ENV, name: "input_offset" },
      { kind: "function", module: ENV, name: "input_length" },
      { kind: "function", module: ENV, name: "output_set", type: "II:" },
    ],
    functions: { try_it: [0, 1, 2].flatMap((index) => wasm.call(index)).concat(wasm.i32(0)) },
  }),
  limits,
});

/** One call of an innocent skill in each engine: what went wrong with them. */
export async function callNeighbours(runtime: Runtime, number: number): Promise<string[]> {
  const faults = await Promise.all([
    callNeighbour(runtime, inIsolate, { input: { number }, output: { doubled: 2 * number } }),
    callNeighbour(runtime, inWasm, { input: { number }, output: { number } }),
  ]);
  return faults.flat();
}

interface Exchange {
  readonly input: JsonValue;
  readonly output: JsonValue;
}

async function callNeighbour(
  runtime: Runtime,
  skill: SkillCode,
  { input, output }: Exchange,
): Promise<string[]> {
  const result = await runtime.invoke({ skill, tool: TOOL, input, userId: "alice" });
  if (result.kind === "error") {
    return [`a call of "${skill.name}" ended with ${result.error.code}: ${result.error.message}`];
  }
  if (isDeepStrictEqual(result.output, output)) return [];
  return [`a call of "${skill.name}" gave ${JSON.stringify(result.output)}`];
}
