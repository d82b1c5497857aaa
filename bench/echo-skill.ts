import { createHash } from "node:crypto";
import type { SkillCode } from "../runtime/index.ts";

/** What every call of the benchmarks says and gets back. */
export const ECHO = { tool: "echo", input: { text: "hello" } } as const;
const SCHEMA = {
  type: "object",
  properties: { text: { type: "string" } },
  required: ["text"],
  additionalProperties: false,
};
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const ISOLATE = "export async function run(tool, input) { return { text: input.text }; }";

/** A skill of an engine that gives its input back; both sides are held to a schema. */
export function createEchoSkill(engine: SkillCode["engine"]): SkillCode {
  return createBenchSkill(`echo-${engine}`, engine === "wasm" ? encodeEcho() : ISOLATE);
}

/** A skill with the tool `echo`: the text of an ES module, or a wasm module's bytes. */
export function createBenchSkill(name: string, source: string | Uint8Array): SkillCode {
  const code = Buffer.from(source);
  const asked = { reason: "To measure it" };
  return {
    name,
    version: "1.0.0",
    digest: createHash("sha256").update(name).update(code).digest("hex"),
    trust: "first-party",
    engine: typeof source === "string" ? "isolate" : "wasm",
    code,
    tools: [{ name: ECHO.tool, inputSchema: SCHEMA, outputSchema: SCHEMA }],
    capabilities: { clock: asked, kv: asked },
  };
}

/** `skill` under another name, for a runtime that has never seen it. */
export function rename(skill: SkillCode, name: string): SkillCode {
  const digest = createHash("sha256").update(name).update(skill.code).digest("hex");
  return { ...skill, name, digest };
}

/** An Extism plugin whose export `echo` runs `loop: br loop`. */
export function encodeLoop(): Uint8Array {
  return encode([0x03, 0x40, 0x0c, 0, 0x0b, 0x41, 0, 0x0b]);
}

/** An Extism plugin with `output_set(input_offset(), input_length())`. */
function encodeEcho(): Uint8Array {
  return encode([0x10, 0, 0x10, 1, 0x10, 2, 0x41, 0, 0x0b]);
}

/** A module that exports `echo: () -> i32`, of the instructions `body`, beside three imports. */
function encode(body: readonly number[]): Uint8Array {
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes];
  const imported = (text: string, type: number) => [
    ...name("extism:host/env"),
    ...name(text),
    0,
    type,
  ];
  const types = [3, 0x60, 0, 1, 0x7e, 0x60, 2, 0x7e, 0x7e, 0, 0x60, 0, 1, 0x7f];
  const imports = [
    3,
    ...imported("input_offset", 0),
    ...imported("input_length", 0),
    ...imported("output_set", 1),
  ];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, types),
    ...section(2, imports),
    ...section(3, [1, 2]),
    ...section(7, [1, ...name("echo"), 0, 3]),
    // One body, without locals.
    ...section(10, [1, body.length + 1, 0, ...body]),
  ]);
}
