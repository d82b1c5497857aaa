import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { JsonValue } from "#domain/shared/json.ts";
import { type InvokeResult, openRuntime } from "../../../runtime/index.ts";
import { loadSkill, toSkillCode } from "../../../skills-registry/index.ts";

export interface SkillFolderCall {
  readonly folder: string;
  readonly tool: string;
  readonly input: JsonValue;
  /** A policy file or a folder of them. */
  readonly policy: string;
}

/**
 * Runs one call of the skill in `folder` in a sandbox of its own. Rejects with `SkillFormatError`
 * or `PolicyError` where the one or the other cannot be used.
 */
export async function runSkillFolder(call: SkillFolderCall): Promise<InvokeResult> {
  const { folder, tool, input, policy } = call;
  const skill = toSkillCode(await loadSkill(folder));
  await using policies = await openPolicyDir(policy);
  await using runtime = await openRuntime({
    policyDir: policies.path,
    minProcesses: 1,
    maxProcesses: 1,
  });
  return await runtime.invoke({ skill, tool, input, userId: "local" });
}

/** The runtime reads folders: a single file gets one to itself. */
async function openPolicyDir(policy: string): Promise<AsyncDisposable & { readonly path: string }> {
  if ((await stat(policy)).isDirectory()) {
    return { path: policy, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const dir = await mkdtemp(path.join(tmpdir(), "nexflow-policy-"));
  await copyFile(policy, path.join(dir, path.basename(policy)));
  return {
    path: dir,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
