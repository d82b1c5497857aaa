import path from "node:path";
import type { Logger } from "#application/ports/logger.ts";
import type {
  SourceCall,
  SourceResult,
  ToolDecision,
  ToolRequest,
  ToolSource,
} from "#application/ports/tool-source.ts";
import type { RecordAudit } from "#domain/audit/audit-log.ts";
import { Fault } from "#domain/shared/fault.ts";
import type { Skill } from "#domain/skill/skill.ts";
import { OWN_SKILL } from "#domain/skill/tool-name.ts";
import {
  type CallRecord,
  checkLayerNames,
  type HostCallRecord,
  type Kv,
  openRuntime,
  PolicyError,
  type Runtime,
  type RuntimeStats,
  type SkillCode,
} from "../../../runtime/index.ts";
import {
  CATALOG_DIR,
  listSkillFolders,
  loadSkill,
  type SkillPackage,
  toSkillCode,
} from "../../../skills-registry/index.ts";
import { deniedCall, deniedHostCall, noticeEvent } from "./audit-events.ts";
import { logNotice } from "./log-notice.ts";
import type { JudgedSkill, JudgePromptSkill, PromptSkillVerdict } from "./prompt-skills.ts";
import { toOutcome } from "./to-outcome.ts";

export interface SkillsOptions {
  readonly policyDir: string;
  /** A folder of further skill folders; they have community trust. */
  readonly skillsDir: string | undefined;
  readonly processes?: number | undefined;
  /** Where skills keep values. */
  readonly kv: Kv;
  /** What may be used on behalf of skills, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Layers without which community skills run all the same. */
  readonly allowMissingLayers: readonly string[];
  /** The label of every call, for policies that match one. */
  readonly label: string | undefined;
  readonly recorder: SkillCallRecorder;
  /** Told what policies denied, and that they changed. */
  readonly audit: RecordAudit;
  readonly log: Logger;
}

/** Takes what skills did; must not throw and not wait. */
export interface SkillCallRecorder {
  addCall(record: CallRecord): void;
  addHostCall(call: { readonly skill: string; readonly record: HostCallRecord }): void;
}

/** The sandbox over the runtime, with the skills there are. Closing it kills its processes. */
export interface OpenSandbox extends ToolSource, AsyncDisposable {
  /**
   * What the policies say of a skill without code: a stranger's words, unless it came with Nexflow
   * or the policy that matches it says otherwise (`approvals.results.untrusted`).
   */
  readonly judgePromptSkill: JudgePromptSkill;
  stats(): RuntimeStats;
}

/**
 * Loads the skills and starts the runtime. A skill that does not load is logged and left out;
 * throws `Fault` (`CONFIG_INVALID`) where the policies or the folder of skills cannot be read, or
 * there is no such layer.
 */
export async function openSandbox(options: SkillsOptions): Promise<OpenSandbox> {
  const { policyDir, processes, kv, secrets, allowMissingLayers, label, recorder, audit, log } =
    options;
  checkAllowedLayers(allowMissingLayers);
  const names = new Map<string, string>();
  const nameOf = (digest: string) => names.get(digest) ?? digest;
  const [packages, runtime] = await Promise.all([
    loadSkills(options),
    openRuntime({
      policyDir,
      startInBackground: true,
      // The first call starts the spare: a server that nobody uses holds one process.
      minProcesses: 1,
      ...(processes === undefined ? {} : { maxProcesses: processes }),
      kv,
      secrets,
      allowMissingLayers,
      onCall: (record) => {
        recorder.addCall(record);
        if (record.outcome === "denied") audit(deniedCall(record));
      },
      onHostCall: (record) => {
        const skill = nameOf(record.skillDigest);
        recorder.addHostCall({ skill, record });
        if (record.decision === "denied") audit(deniedHostCall(skill, record));
        // The values are for the record alone.
        const { args: _args, result: _result, ...facts } = record;
        log.debug({ skill, ...facts }, "Host call");
      },
      onLog: ({ callId, skillDigest, text }) =>
        log.debug({ callId, skill: nameOf(skillDigest), text }, "Skill log"),
      onNotice: (notice) => {
        logNotice(log, notice);
        const event = noticeEvent(notice);
        if (event !== undefined) audit(event);
      },
    }).catch(throwPolicyFault),
  ]);
  for (const { digest, name } of packages) names.set(digest, name);
  const skills = packages.map(toSkill);
  const codes = new Map(packages.map((pkg) => [pkg.name, toSkillCode(pkg)]));
  return {
    listSkills: () => skills,
    decide: (request) => decide({ runtime, codes, label }, request),
    invoke: (call, signal) => invoke({ runtime, codes, label }, call, signal),
    judgePromptSkill: (skill) => judge({ runtime, label }, skill),
    stats: () => runtime.stats(),
    [Symbol.asyncDispose]: () => runtime.close(),
  };
}

/** The first-party skills and those of `skillsDir` that have none of their names, nor the agent's. */
export async function loadSkills({
  skillsDir,
  log,
}: Pick<SkillsOptions, "skillsDir" | "log">): Promise<readonly SkillPackage[]> {
  const own = await loadFolders(await listSkillFolders(CATALOG_DIR), log);
  const names = new Set([OWN_SKILL, ...own.map(({ name }) => name)]);
  const further = await loadFolders(await listFurtherFolders(skillsDir), log);
  return [...own, ...further.filter(({ name }) => isNew(name))];

  function isNew(name: string): boolean {
    if (!names.has(name)) return true;
    log.error({ skill: name }, "A skill has the name of a first-party skill and is left out");
    return false;
  }
}

/** What reading the policies threw, as a fault of the configuration if it is one. */
export function throwPolicyFault(error: unknown): never {
  if (!(error instanceof PolicyError)) throw error;
  throw new Fault("CONFIG_INVALID", error.message, { cause: error });
}

/** Throws `Fault` (`CONFIG_INVALID`) where a name is no layer's. */
export function checkAllowedLayers(names: readonly string[]): void {
  try {
    checkLayerNames(names);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `Cannot use NEXFLOW_ALLOW_MISSING_LAYERS: ${cause.message}`;
    throw new Fault("CONFIG_INVALID", message, { cause });
  }
}

/** The skill folders in `skillsDir`. Throws `Fault` (`CONFIG_INVALID`) where it cannot be read. */
export async function listFurtherFolders(
  skillsDir: string | undefined,
): Promise<readonly string[]> {
  if (skillsDir === undefined) return [];
  try {
    return await listSkillFolders(skillsDir);
  } catch (cause) {
    const message = `Cannot read the folder "${skillsDir}" that NEXFLOW_SKILLS_DIR names`;
    throw new Fault("CONFIG_INVALID", message, { cause });
  }
}

async function loadFolders(
  folders: readonly string[],
  log: Logger,
): Promise<readonly SkillPackage[]> {
  const loaded = await Promise.all(
    folders.map((folder) =>
      loadSkill(folder).catch((error: unknown) => {
        log.error({ skill: path.basename(folder), error }, "A skill does not load and is left out");
        return [];
      }),
    ),
  );
  return loaded.flat();
}

export function toSkill(pkg: SkillPackage): Skill {
  const { name, version, description, digest, manifest } = pkg;
  return {
    name,
    version,
    description,
    digest,
    tools: manifest.tools.map(({ input, textInput, answer, ...tool }) => ({
      name: tool.name,
      description: tool.description,
      inputSchema: input,
      effects: tool.effects,
      examples: tool.examples,
      ...(textInput === undefined ? {} : { textInput }),
      ...(answer === undefined ? {} : { answer }),
    })),
  };
}

interface InvokeDeps {
  readonly runtime: Runtime;
  readonly codes: ReadonlyMap<string, SkillCode>;
  readonly label: string | undefined;
}

const MINUTE_MS = 60_000;

function decide(
  { runtime, codes, label }: InvokeDeps,
  { skill: name, tool }: ToolRequest,
): ToolDecision {
  const skill = codes.get(name);
  if (skill === undefined) {
    return { kind: "deny", rule: "no skill", message: `Skill "${name}" is not loaded` };
  }
  const decision = runtime.decide({ skill, tool, label });
  if (decision.kind === "denied") {
    const { rule, policyHash, message } = decision;
    return { kind: "deny", rule, policyHash, message };
  }
  const { rule, policyHash, reaches, actsOutside, bringsUntrusted, holdsPrivate } = decision;
  const facts = { rule, policyHash, reaches, actsOutside, bringsUntrusted, holdsPrivate };
  if (decision.kind === "allowed") return { kind: "allow", facts };
  const { expiresMinutes, reason } = decision;
  return { kind: "ask", facts, expiresInMs: expiresMinutes * MINUTE_MS, reason };
}

/** A skill's words, as the tool that brings them from outside. */
const INSTRUCTIONS = { name: "instructions", inputSchema: {}, effects: ["external"] } as const;

function judge(
  { runtime, label }: Pick<InvokeDeps, "runtime" | "label">,
  { name, digest, trust }: JudgedSkill,
): PromptSkillVerdict {
  const skill: SkillCode = {
    name,
    version: "0.0.0",
    digest,
    trust,
    engine: "isolate",
    code: new Uint8Array(),
    tools: [INSTRUCTIONS],
    capabilities: {},
  };
  const decision = runtime.decide({ skill, tool: INSTRUCTIONS.name, label });
  if (decision.kind === "denied") {
    return { kind: "denied", message: decision.message, rule: decision.rule };
  }
  return { kind: "allowed", isUntrusted: trust !== "first-party" && decision.bringsUntrusted };
}

async function invoke(
  { runtime, codes, label }: InvokeDeps,
  { taskId: callId, skill: name, tool, input, userId }: SourceCall,
  signal: AbortSignal,
): Promise<SourceResult> {
  const skill = codes.get(name);
  if (skill === undefined) throw new RangeError(`Cannot invoke skill "${name}": it is not loaded`);
  const skillDigest = skill.digest;
  try {
    const result = await runtime.invoke({ skill, tool, input, userId, callId, label }, signal);
    const { usage, policyHash } = result;
    return { outcome: toOutcome(result), usage, policyHash, skillDigest };
  } catch (error) {
    const message = `Cannot run "${name}.${tool}": no sandbox process can be started`;
    throw new Fault("SANDBOX_UNAVAILABLE", message, { cause: error });
  }
}
