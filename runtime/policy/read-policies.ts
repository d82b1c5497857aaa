import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { PolicyError } from "./policy-error.ts";
import { parsePolicy, type SandboxPolicy } from "./sandbox-policy.ts";

/** The policies in `dir`, most important first. Throws `PolicyError`. */
export async function readPolicies(dir: string): Promise<readonly SandboxPolicy[]> {
  const files = (await listFiles(dir)).filter((file) => file.endsWith(".yaml"));
  if (files.length === 0) {
    throw new PolicyError(`Cannot find a policy in "${dir}": expected at least one .yaml file`);
  }
  const policies = await Promise.all(
    files.map(async (file) => parsePolicy(await readFile(path.join(dir, file), "utf8"), file)),
  );
  checkNames(policies);
  return policies.toSorted(byImportance);
}

async function listFiles(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new PolicyError(`Cannot read the policies of "${dir}": ${message}`, [], { cause: error });
  }
}

function checkNames(policies: readonly SandboxPolicy[]): void {
  const fileOf = new Map<string, string>();
  for (const { file, metadata } of policies) {
    const other = fileOf.get(metadata.name);
    if (other !== undefined) {
      throw new PolicyError(
        `Cannot use policy "${file}": metadata.name: "${metadata.name}" is taken by "${other}"`,
      );
    }
    fileOf.set(metadata.name, file);
  }
}

function byImportance({ metadata: one }: SandboxPolicy, { metadata: other }: SandboxPolicy) {
  return other.priority - one.priority || (one.name < other.name ? -1 : 1);
}
