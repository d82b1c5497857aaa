import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import type { JsonValue } from "#domain/shared/json.ts";
import type { TaskUsage } from "#domain/task/task.ts";
import { EXIT, UsageError } from "./exit-code.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";

export interface SkillDeps {
  listSkills(): Promise<readonly SkillListing[]>;
  /** Skills that are text only, and folders that would be one. */
  listPromptSkills(): Promise<readonly PromptSkillListing[]>;
  /** What is wrong with the skill in a folder, a line each. */
  checkSkill(folder: string): Promise<readonly string[]>;
  /** One call in the real sandbox. Rejects where the skill cannot be loaded. */
  runSkill(request: SkillRunRequest): Promise<SkillRunReport>;
}

export interface SkillListing {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly tools: readonly { readonly name: string; readonly description: string }[];
  /** Why its tools are not there. */
  readonly fault?: string | undefined;
}

export interface PromptSkillListing {
  readonly folder: string;
  readonly name?: string;
  readonly description?: string;
  readonly digest?: string;
  /** Why it is not used. */
  readonly fault?: string;
  readonly warnings: readonly string[];
}

export interface SkillRunRequest {
  readonly folder: string;
  readonly tool: string;
  readonly input: JsonValue;
  /** A policy file, or a folder of them, instead of the configured folder. */
  readonly policy: string | undefined;
  /** Lets policies apply that match this label, instead of the configured one. */
  readonly label: string | undefined;
}

export type SkillRunReport = (
  | { readonly ok: true; readonly output: JsonValue }
  | { readonly ok: false; readonly error: SkillRunError }
) & { readonly usage: TaskUsage; readonly trace: SkillRunTrace };

/** What the skill asked of its host, what was decided, and what it logged. */
export interface SkillRunTrace {
  readonly policyHash: string;
  readonly hostCalls: readonly SkillHostCall[];
  readonly logs: readonly string[];
}

export interface SkillHostCall {
  readonly seq: number;
  readonly name: string;
  readonly decision: string;
  readonly rule: string;
  readonly ms: number;
  readonly args?: JsonValue | undefined;
  readonly result?: JsonValue | undefined;
}

interface SkillRunError {
  readonly code: string;
  readonly message: string;
  /** What set the limit or decided. */
  readonly rule?: string | undefined;
}

interface RunOptions {
  readonly tool: string;
  readonly input: string;
  readonly policy?: string;
  readonly label?: string;
  readonly trace?: true;
}

export function addSkillCommand(program: Command, deps: SkillDeps): void {
  const skill = program.command("skill").description("try skills and see what there is");
  skill
    .command("list")
    .description("list the skills there are: those with tools, then those that are text only")
    .action(async (_options: unknown, command: Command) => {
      const [skills, promptSkills] = await Promise.all([
        deps.listSkills(),
        deps.listPromptSkills(),
      ]);
      print(isJson(command), { skills, promptSkills }, () =>
        [toList(skills), toPromptList(promptSkills)].filter((text) => text !== "").join("\n\n"),
      );
    });
  skill
    .command("check")
    .description("tell all that keeps a skill from being published, with code or without")
    .argument("<folder>", "the skill's folder")
    .action(async (folder: string, _options: unknown, command: Command) => {
      const faults = await deps.checkSkill(folder);
      const ok = faults.length === 0;
      print(isJson(command), { ok, faults }, () =>
        ok ? "The skill is as the standard has it" : faults.map(toPlainText).join("\n"),
      );
      if (!ok) process.exitCode = EXIT.failed;
    });
  skill
    .command("run")
    .description("run one call of a skill in the real sandbox")
    .argument("<folder>", "the skill's folder")
    .requiredOption("--tool <name>", "the tool to call")
    .option("--input <json>", "its input: JSON, @file, or - for standard input", "{}")
    .option("--policy <file>", "the policy that decides, instead of the configured ones")
    .option("--label <label>", "the label of the call, for policies that match one")
    .option("--trace", "tell what the skill asked of its host and what was decided")
    .action(async (folder: string, options: RunOptions, command: Command) => {
      const { tool, policy, label } = options;
      const input = await readInput(options.input);
      const report = await deps.runSkill({ folder, tool, input, policy, label });
      const { trace, ...outcome } = report;
      const isTraced = options.trace === true;
      print(
        isJson(command),
        isTraced ? report : outcome,
        () => (isTraced ? `${toTraceText(trace)}\n\n` : "") + toText(report),
      );
      if (!report.ok) process.exitCode = EXIT.failed;
    });
}

async function readInput(source: string): Promise<JsonValue> {
  const raw = await readSource(source);
  try {
    return JSON.parse(raw) as JsonValue;
  } catch {
    throw new UsageError(
      `Cannot read --input "${raw.slice(0, 80)}": expected JSON, "@<file>", or "-" for standard input`,
    );
  }
}

async function readSource(source: string): Promise<string> {
  if (source === "-") return text(process.stdin);
  if (!source.startsWith("@")) return source;
  try {
    return await readFile(source.slice(1), "utf8");
  } catch {
    throw new UsageError(`Cannot read --input "${source}": expected a file that can be read`);
  }
}

function toList(skills: readonly SkillListing[]): string {
  return skills
    .map(({ name, version, description, tools, fault }) => {
      const rows = tools.map((tool) => [`  ${name}.${tool.name}`, toPlainText(tool.description)]);
      const head = `${name} ${version}: ${toPlainText(description)}`;
      return `${head}\n${fault === undefined ? toTable(rows) : `  not used: ${toPlainText(fault)}`}`;
    })
    .join("\n\n");
}

function toPromptList(skills: readonly PromptSkillListing[]): string {
  return skills
    .map(({ name, description = "", folder, digest, fault, warnings }) => {
      const head = `${name ?? "(no skill)"}: ${description}`;
      const state = fault === undefined ? [] : [`  not used: ${fault}`];
      const identity = digest === undefined ? [] : [`  digest ${digest}`];
      return [
        head,
        `  ${folder}`,
        ...identity,
        ...state,
        ...warnings.map((each) => `  warning: ${each}`),
      ]
        .map(toPlainText)
        .join("\n");
    })
    .join("\n\n");
}

function toText(report: SkillRunReport): string {
  const { wallMs, cpuMs, memoryMiB, outputBytes } = report.usage;
  const usage =
    `${wallMs.toFixed(1)} ms, CPU ${cpuMs.toFixed(1)} ms, ` +
    `memory ${memoryMiB.toFixed(1)} MiB, output ${outputBytes} bytes`;
  const result = report.ok
    ? JSON.stringify(report.output, undefined, 2)
    : `${report.error.code}: ${report.error.message}${toRule(report.error)}`;
  return `${toPlainText(result)}\n\n${usage}`;
}

function toRule({ rule }: SkillRunError): string {
  return rule === undefined ? "" : ` (${rule})`;
}

function toTraceText({ policyHash, hostCalls, logs }: SkillRunTrace): string {
  const rows = hostCalls.map(({ seq, name, decision, rule, ms }) => [
    `  ${seq}`,
    name,
    decision,
    rule,
    `${ms.toFixed(1)} ms`,
  ]);
  const values = hostCalls.flatMap(({ seq, args, result }) =>
    args === undefined ? [] : [`  ${seq}  ${JSON.stringify(args)} -> ${JSON.stringify(result)}`],
  );
  const lines = [
    `Policy ${policyHash.slice(0, 12)}`,
    `Host calls: ${hostCalls.length}`,
    toTable(rows),
    values.join("\n"),
    `Log lines: ${logs.length}`,
    logs.map((line) => `  ${line.replaceAll("\n", "\n    ")}`).join("\n"),
  ];
  return toPlainText(lines.filter((each) => each !== "").join("\n"));
}
