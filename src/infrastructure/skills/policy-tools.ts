import path from "node:path";
import {
  type CallExplanation,
  diffPolicies,
  explainCall,
  explainPolicy,
  formatFault,
  type PolicyDiff,
  PolicyError,
  type PolicyExplanation,
  parseCallQuestion,
  readPolicies,
  type SandboxPolicy,
  type SkillCode,
} from "../../../runtime/index.ts";
import {
  CATALOG_DIR,
  listSkillFolders,
  loadSkill,
  toSkillCode,
} from "../../../skills-registry/index.ts";
import { listFurtherFolders, throwPolicyFault } from "./open-skills.ts";

interface PolicyCheck {
  readonly ok: boolean;
  readonly policies: readonly PolicySummary[];
  /** Each with file, line and what was expected. */
  readonly faults: readonly string[];
}

interface PolicySummary {
  readonly name: string;
  readonly file: string;
  readonly priority: number;
  readonly mode: SandboxPolicy["mode"];
  readonly match: SandboxPolicy["match"];
  readonly description?: string | undefined;
}

interface ExplainRequest {
  /** The name of an installed skill, or a skill's folder. */
  readonly skill: string;
  readonly tool: string | undefined;
  readonly call: string | undefined;
  readonly label: string | undefined;
  readonly policy: string;
  readonly skillsDir: string | undefined;
}

type Explained =
  | {
      readonly kind: "explained";
      readonly skill: Pick<SkillCode, "name" | "version" | "trust">;
      readonly rights: PolicyExplanation;
      readonly call?: CallExplanation | undefined;
    }
  | { readonly kind: "unknown-skill" }
  | { readonly kind: "unknown-tool"; readonly tools: readonly string[] }
  | { readonly kind: "unknown-call" };

/** Reads policy files and folders as the server would, and tells what is wrong with any of them. */
export async function checkPolicies(targets: readonly string[]): Promise<PolicyCheck> {
  const checks = await Promise.all(targets.map(checkTarget));
  const faults = checks.flatMap((each) => each.faults);
  const policies = checks.flatMap((each) => each.policies);
  return { ok: faults.length === 0, policies, faults };
}

/** The policies of a file or folder, most important first. Rejects with `Fault`. */
export async function listPolicies(target: string): Promise<readonly PolicySummary[]> {
  return (await readPolicies(target).catch(throwPolicyFault)).map(toSummary);
}

/** What the policies of `after` allow that those of `before` do not, and the reverse. */
export async function comparePolicies(before: string, after: string): Promise<PolicyDiff> {
  const [old, now] = await Promise.all([readPolicies(before), readPolicies(after)]).catch(
    throwPolicyFault,
  );
  return diffPolicies(old, now);
}

/** Which lines decide about a skill's calls. Rejects with `Fault` or `SkillFormatError`. */
export async function explainSkill(request: ExplainRequest): Promise<Explained> {
  const folder = await findFolder(request);
  if (folder === undefined) return { kind: "unknown-skill" };
  const [skill, policies] = await Promise.all([
    loadSkill(folder).then(toSkillCode),
    readPolicies(request.policy).catch(throwPolicyFault),
  ]);
  const tools = skill.tools.map(({ name }) => name);
  const { tool, label } = request;
  if (tool !== undefined && !tools.includes(tool)) return { kind: "unknown-tool", tools };
  const question = request.call === undefined ? undefined : parseCallQuestion(request.call);
  if (request.call !== undefined && question === undefined) return { kind: "unknown-call" };
  const { name, version, trust } = skill;
  return {
    kind: "explained",
    skill: { name, version, trust },
    rights: toAsked(explainPolicy(policies, skill, { label }), tool),
    ...(question === undefined ? {} : { call: explainCall(policies, skill, { question, label }) }),
  };
}

/** Without the other tools, where one was asked for. */
function toAsked(rights: PolicyExplanation, tool: string | undefined): PolicyExplanation {
  const calls = rights.calls.filter((call) => tool === undefined || call.tool === tool);
  return { ...rights, calls };
}

async function checkTarget(target: string): Promise<Pick<PolicyCheck, "policies" | "faults">> {
  try {
    return { policies: (await readPolicies(target)).map(toSummary), faults: [] };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const { faults, message } = error;
    return { policies: [], faults: faults.length === 0 ? [message] : faults.map(formatFault) };
  }
}

function toSummary({ metadata, file, mode, match }: SandboxPolicy): PolicySummary {
  const { name, priority, description } = metadata;
  return { name, file, priority, mode, match, ...(description && { description }) };
}

/** A name without a slash is an installed skill's, or else a folder's in this one. */
async function findFolder({ skill, skillsDir }: ExplainRequest): Promise<string | undefined> {
  const installed = await Promise.all([
    listSkillFolders(CATALOG_DIR),
    listFurtherFolders(skillsDir),
  ]);
  const named = installed.flat().find((folder) => path.basename(folder) === skill);
  if (named !== undefined) return named;
  const parent = path.dirname(path.resolve(skill));
  const beside = await listSkillFolders(parent).catch((): string[] => []);
  return beside.find((folder) => folder === path.resolve(skill));
}
