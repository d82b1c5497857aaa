import { copyFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Fault } from "#domain/shared/fault.ts";
import type { JsonValue } from "#domain/shared/json.ts";
import { type HostCallRecord, type InvokeResult, openRuntime } from "../../../runtime/index.ts";
import { loadSkill, toSkillCode } from "../../../skills-registry/index.ts";
import { checkAllowedLayers, throwPolicyFault } from "./open-skills.ts";

export interface SkillFolderCall {
  readonly folder: string;
  readonly tool: string;
  readonly input: JsonValue;
  /** A policy file or a folder of them. */
  readonly policy: string;
  /** Lets policies apply that match this label. */
  readonly label: string | undefined;
  readonly secrets: Readonly<Record<string, string>>;
  readonly allowMissingLayers: readonly string[];
}

export interface SkillFolderRun {
  readonly result: InvokeResult;
  /** What the skill asked of its host, and what was decided. */
  readonly hostCalls: readonly HostCallRecord[];
  readonly logs: readonly string[];
}

/**
 * Runs one call of the skill in `folder` in a sandbox of its own; what it keeps is gone after it.
 * Rejects with `SkillFormatError` where the skill cannot be loaded and with `Fault`
 * (`CONFIG_INVALID`) where the policy cannot, or there is no such layer.
 */
export async function runSkillFolder(call: SkillFolderCall): Promise<SkillFolderRun> {
  const { folder, tool, input, policy, label, secrets, allowMissingLayers } = call;
  checkAllowedLayers(allowMissingLayers);
  const skill = toSkillCode(await loadSkill(folder));
  return withPolicyDir(policy, async (policyDir) => {
    const hostCalls: HostCallRecord[] = [];
    const logs: string[] = [];
    const runtime = await openRuntime({
      policyDir,
      minProcesses: 1,
      maxProcesses: 1,
      secrets,
      allowMissingLayers,
      onHostCall: (record) => hostCalls.push(record),
      onLog: ({ text }) => logs.push(text),
    }).catch(throwPolicyFault);
    try {
      const result = await runtime.invoke({ skill, tool, input, userId: "local", label });
      return { result, hostCalls: hostCalls.toSorted((a, b) => a.seq - b.seq), logs };
    } finally {
      await runtime.close();
    }
  });
}

/** The runtime reads folders: a single file gets one to itself. */
async function withPolicyDir<T>(policy: string, work: (dir: string) => Promise<T>): Promise<T> {
  const found = await stat(policy).catch((cause: unknown) => {
    throw new Fault("CONFIG_INVALID", `Cannot read policy "${policy}": expected a file or folder`, {
      cause,
    });
  });
  if (found.isDirectory()) return work(policy);
  const dir = await mkdtemp(path.join(tmpdir(), "nexflow-policy-"));
  try {
    await copyFile(policy, path.join(dir, path.basename(policy)));
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
