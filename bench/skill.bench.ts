import { createHash } from "node:crypto";
import { arch, cpus, platform } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openRuntime, type Runtime, type SkillCode } from "../runtime/index.ts";

/** Fresh calls through the runtime's door: every call gets a context or an instance of its own. */
export interface SkillBenchOptions {
  readonly callsPerRow?: number | undefined;
  readonly concurrencies?: readonly number[] | undefined;
}

export interface SkillBenchResult {
  readonly name: "skill";
  readonly method: string;
  readonly machine: string;
  readonly rows: readonly SkillBenchRow[];
}

export interface SkillBenchRow {
  readonly engine: SkillCode["engine"];
  readonly concurrency: number;
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const POLICY_DIR = fileURLToPath(new URL("../sandbox-policies", import.meta.url));
const WARM_UP_CALLS = 200;
const WASM_HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** Runs the benchmark. Each row is a closed loop: as many callers as its concurrency. */
export async function run({
  callsPerRow = 2_000,
  concurrencies = [1, 8, 32],
}: SkillBenchOptions = {}): Promise<SkillBenchResult> {
  const runtime = await openRuntime({ policyDir: POLICY_DIR });
  const rows: SkillBenchRow[] = [];
  try {
    for (const skill of [createWasmSkill(), createIsolateSkill()]) {
      // oxlint-disable-next-line no-await-in-loop -- rows must not disturb each other
      await measure(runtime, skill, { concurrency: 4, calls: WARM_UP_CALLS });
      for (const concurrency of concurrencies) {
        // oxlint-disable-next-line no-await-in-loop -- rows must not disturb each other
        rows.push(await measure(runtime, skill, { concurrency, calls: callsPerRow }));
      }
    }
  } finally {
    await runtime.close();
  }
  return {
    name: "skill",
    method: `${callsPerRow} fresh calls a row, closed loop, after ${WARM_UP_CALLS} to warm up; input and output are small JSON objects, schemas checked`,
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ${platform()} ${arch()}, Node ${process.version}`,
    rows,
  };
}

/** The result as a table for people. */
export function toTable({ rows, method, machine }: SkillBenchResult): string {
  const lines = rows.map(
    ({ engine, concurrency, callsPerSecond, p50Ms, p99Ms }) =>
      `${engine.padEnd(8)} ${String(concurrency).padStart(11)} ${callsPerSecond.toFixed(0).padStart(8)} ${p50Ms.toFixed(3).padStart(8)} ${p99Ms.toFixed(3).padStart(8)}`,
  );
  const head = "engine   concurrency  calls/s   p50 ms   p99 ms";
  return [head, ...lines, "", method, machine].join("\n");
}

interface Load {
  readonly concurrency: number;
  readonly calls: number;
}

async function measure(
  runtime: Runtime,
  skill: SkillCode,
  { concurrency, calls }: Load,
): Promise<SkillBenchRow> {
  const tookMs: number[] = [];
  let left = calls;
  const startedMs = performance.now();
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      const calledMs = performance.now();
      // oxlint-disable-next-line no-await-in-loop -- a caller waits for its answer
      await callOnce(runtime, skill);
      tookMs.push(performance.now() - calledMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const callsPerSecond = (calls * 1_000) / (performance.now() - startedMs);
  tookMs.sort((one, other) => one - other);
  return {
    engine: skill.engine,
    concurrency,
    calls,
    callsPerSecond,
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
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

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { json: { type: "boolean" }, calls: { type: "string" } },
  });
  const result = await run({
    callsPerRow: values.calls === undefined ? undefined : Number(values.calls),
  });
  process.stdout.write(`${values.json ? JSON.stringify(result, null, 2) : toTable(result)}\n`);
}
