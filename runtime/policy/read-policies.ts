import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { PolicyError } from "./policy-error.ts";
import { parsePolicy, type SandboxPolicy } from "./sandbox-policy.ts";

/**
 * The policies in `dir`, or the one in the file `dir`, most important first. Throws `PolicyError`
 * with the faults of all files. Hidden files are left out: editors keep drafts and locks in them.
 */
export async function readPolicies(dir: string): Promise<readonly SandboxPolicy[]> {
  const files = await listFiles(dir);
  if (files.length === 0) {
    throw new PolicyError(`Cannot find a policy in "${dir}": expected at least one .yaml file`);
  }
  const read = await Promise.allSettled(files.map(readPolicy));
  const faulty = read.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  if (faulty.length > 0) throw joinErrors(dir, faulty);
  const policies = read.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  checkNames(policies);
  return policies.toSorted(byImportance);
}

async function listFiles(dir: string): Promise<readonly string[]> {
  try {
    if ((await stat(dir)).isFile()) return [dir];
    const files = await readdir(dir);
    return files
      .filter((file) => file.endsWith(".yaml") && !file.startsWith("."))
      .map((file) => path.join(dir, file));
  } catch (error) {
    throw unreadable(`the policies of "${dir}"`, error);
  }
}

async function readPolicy(full: string): Promise<SandboxPolicy> {
  const text = await readFile(full, "utf8").catch((error: unknown) => {
    throw unreadable(`policy "${full}"`, error);
  });
  return parsePolicy(text, path.basename(full));
}

function unreadable(what: string, error: unknown): PolicyError {
  const message = error instanceof Error ? error.message : String(error);
  return new PolicyError(`Cannot read ${what}: ${message}`, [], { cause: error });
}

function joinErrors(dir: string, errors: readonly unknown[]): unknown {
  const known = errors.filter((error) => error instanceof PolicyError);
  const [first] = known;
  if (known.length < errors.length) return errors.find((error) => !(error instanceof PolicyError));
  if (known.length === 1 || known.some(({ faults }) => faults.length === 0)) return first;
  const faults = known.flatMap((error) => error.faults);
  return new PolicyError(`Cannot use ${known.length} policies of "${dir}"`, faults);
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
