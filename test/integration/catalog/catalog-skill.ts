import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, assert, beforeAll } from "vitest";
import {
  type InvokeResult,
  type JsonValue,
  openRuntime,
  type Runtime,
} from "../../../runtime/index.ts";
import { CATALOG_DIR, loadSkill, toSkillCode } from "../../../skills-registry/index.ts";
import { policyText } from "../../support/policies.ts";
import { openTempDir } from "../../support/temp-dir.ts";

const POLICY_DIR = path.resolve(import.meta.dirname, "../../../sandbox-policies");

type JsonObject = Readonly<Record<string, JsonValue>>;

/** A skill of the catalog in the real sandbox, open while the tests of a file run. */
export interface CatalogSkill {
  invoke(tool: string, input: JsonObject): Promise<InvokeResult>;
  /** The output of a call that must succeed. */
  run(tool: string, input: JsonObject): Promise<JsonObject>;
  /** The message of a call that the guest must refuse. */
  refuse(tool: string, input: JsonObject): Promise<string>;
}

/** A string of an output. */
export function textOf(value: JsonValue | undefined): string {
  assert(typeof value === "string", `Expected a string, found ${JSON.stringify(value)}`);
  return value;
}

/** `timeMs`: what each call may take in place of what its manifest and the shipped policy allow. */
export function useCatalogSkill(name: string, { timeMs }: { timeMs?: number } = {}): CatalogSkill {
  let runtime: Runtime | undefined;
  let dir: Awaited<ReturnType<typeof openTempDir>> | undefined;
  const loading = loadSkill(path.join(CATALOG_DIR, name)).then(toSkillCode);
  beforeAll(async () => {
    let policyDir = POLICY_DIR;
    if (timeMs !== undefined) {
      dir = await openTempDir();
      const limits = { wallMs: timeMs, cpuMs: timeMs, queueMs: timeMs };
      const grants = "{ log: true, clock: true, random: true }";
      await writeFile(path.join(dir.path, "p.yaml"), policyText({ ...limits, grants }));
      policyDir = dir.path;
    }
    runtime = await openRuntime({ policyDir, minProcesses: 1, maxProcesses: 2 });
  });
  afterAll(async () => {
    await runtime?.close();
    await dir?.[Symbol.asyncDispose]();
  });

  async function invoke(tool: string, input: JsonObject): Promise<InvokeResult> {
    assert(runtime, "The runtime is open while tests run");
    const own = await loading;
    const limits = timeMs === undefined ? own.limits : { ...own.limits, wallMs: timeMs };
    return runtime.invoke({ skill: { ...own, limits }, tool, input, userId: "test" });
  }
  return {
    invoke,
    async run(tool, input) {
      const result = await invoke(tool, input);
      assert(result.kind === "ok", JSON.stringify(result));
      // Whatever time it was given for the sake of a busy machine, it does not compute for longer.
      const { wallMs = Number.POSITIVE_INFINITY } = (await loading).limits ?? {};
      assert(result.usage.cpuMs < wallMs, `It took ${result.usage.cpuMs} ms of processor time`);
      return result.output as JsonObject;
    },
    async refuse(tool, input) {
      const result = await invoke(tool, input);
      assert(result.kind === "error", JSON.stringify(result));
      assert.equal(result.error.code, "failed");
      return result.error.message;
    },
  };
}
