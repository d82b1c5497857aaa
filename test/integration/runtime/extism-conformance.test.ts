import { readFile } from "node:fs/promises";
import path from "node:path";
import createPlugin from "@extism/extism";
import { test } from "vitest";
import { openRuntime } from "../../../runtime/index.ts";
import { CATALOG_DIR, loadSkill, toSkillCode } from "../../../skills-registry/index.ts";
import { POLICY_DIR } from "../../support/policy-dir.ts";

/*
 * Our own kernel speaks the Extism ABI. What a plugin made with an Extism PDK answers through it
 * is what it answers through Extism's own SDK.
 */

const EXPRESSIONS = ["2+2", "0.1+0.2", "100!", "2^-3", "sqrt(2)", "(1+", "1/0", "9^9^9^9", "π", ""];

test("a plugin answers in the runtime as in Extism's own SDK", async ({ expect }) => {
  const folder = path.join(CATALOG_DIR, "calculator");
  const wasm = await readFile(path.join(folder, "dist/calculator.wasm"));
  const skill = toSkillCode(await loadSkill(folder));
  await using runtime = await openRuntime({ policyDir: POLICY_DIR, minProcesses: 1 });
  for (const expression of EXPRESSIONS) {
    const input = { expression };
    const [theirs, ours] = [
      await answerOfExtism(wasm, JSON.stringify(input)),
      await runtime.invoke({ skill, tool: "evaluate", input, userId: "test" }),
    ];
    if (theirs.kind === "ok") expect(ours).toMatchObject(theirs);
    else expect(ours.kind, expression).toBe("error");
  }
});

async function answerOfExtism(wasm: Uint8Array, input: string) {
  const plugin = await createPlugin({ wasm: [{ data: wasm }] }, { useWasi: false });
  try {
    const output = await plugin.call("evaluate", input);
    return { kind: "ok", output: output?.json() as unknown } as const;
  } catch {
    return { kind: "error" } as const;
  } finally {
    await plugin.close();
  }
}
