import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { openRuntime, type Runtime, type SkillCode } from "../runtime/index.ts";
import { type BenchResult, type BenchRow, describeMachine, quantile, round } from "./report.ts";

const POLICY_DIR = fileURLToPath(new URL("../sandbox-policies", import.meta.url));
const WARM_UP_CALLS = 1_000;
const CALLS_PER_ROW = 4_000;
const CONCURRENCIES = [1, 8, 32];
const WASM_HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/**
 * Fresh calls through the runtime's door: every call gets a context or an instance of its own.
 * Each row is a closed loop: as many callers as its concurrency.
 */
export async function run(): Promise<BenchResult> {
  const runtime = await openRuntime({ policyDir: POLICY_DIR });
  const rows: BenchRow[] = [];
  try {
    for (const skill of [createWasmSkill(), createIsolateSkill()]) {
      await measure(runtime, skill, { concurrency: 4, calls: WARM_UP_CALLS });
      for (const concurrency of CONCURRENCIES) {
        rows.push(await measure(runtime, skill, { concurrency, calls: CALLS_PER_ROW }));
      }
    }
  } finally {
    await runtime.close();
  }
  return {
    name: "skill",
    method: `${CALLS_PER_ROW} fresh calls a row, closed loop, after ${WARM_UP_CALLS} to warm up; input and output are small JSON objects, schemas checked`,
    machine: describeMachine(),
    rows,
  };
}

interface Load {
  readonly concurrency: number;
  readonly calls: number;
}

async function measure(
  runtime: Runtime,
  skill: SkillCode,
  { concurrency, calls }: Load,
): Promise<BenchRow> {
  const tookMs: number[] = [];
  let left = calls;
  const startedMs = performance.now();
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      const calledMs = performance.now();
      await callOnce(runtime, skill);
      tookMs.push(performance.now() - calledMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const callsPerSecond = (calls * 1_000) / (performance.now() - startedMs);
  return {
    engine: skill.engine,
    concurrency,
    "calls/s": Math.round(callsPerSecond),
    "p50 ms": round(quantile(tookMs, 0.5), 3),
    "p99 ms": round(quantile(tookMs, 0.99), 3),
  };
}

async function callOnce(runtime: Runtime, skill: SkillCode): Promise<void> {
  const result = await runtime.invoke({
    skill,
    tool: "echo",
    input: { text: "hello" },
    userId: "bench",
  });
  if (result.kind === "ok" && JSON.stringify(result.output) === '{"text":"hello"}') return;
  throw new Error(`Cannot measure: the ${skill.engine} skill answered ${JSON.stringify(result)}`);
}

function createIsolateSkill(): SkillCode {
  const source = "export async function run(tool, input) { return { text: input.text }; }";
  return toSkill("isolate", Buffer.from(source));
}

/** A plugin that gives its input back: `output_set(input_offset(), input_length())`. */
function createWasmSkill(): SkillCode {
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
  const body = [0, 0x10, 0, 0x10, 1, 0x10, 2, 0x41, 0, 0x0b];
  return toSkill(
    "wasm",
    Uint8Array.from([
      ...WASM_HEADER,
      ...section(1, types),
      ...section(2, imports),
      ...section(3, [1, 2]),
      ...section(7, [1, ...name("echo"), 0, 3]),
      ...section(10, [1, body.length, ...body]),
    ]),
  );
}

function toSkill(engine: SkillCode["engine"], code: Uint8Array): SkillCode {
  const schema = {
    type: "object",
    properties: { text: { type: "string" } },
    required: ["text"],
    additionalProperties: false,
  };
  return {
    name: `echo-${engine}`,
    version: "1.0.0",
    digest: createHash("sha256").update(code).digest("hex"),
    trust: "first-party",
    engine,
    code,
    tools: [{ name: "echo", inputSchema: schema, outputSchema: schema }],
    capabilities: {},
  };
}
