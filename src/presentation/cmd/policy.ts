import type { Command } from "commander";
import { EXIT, UsageError } from "./exit-code.ts";
import { isJson, print, toPlainText, toTable } from "./output.ts";
import type {
  PolicyCheckReport,
  PolicyDiffReport,
  PolicyExplainReport,
  PolicyExplainRequest,
  PolicyListing,
} from "./policy-reports.ts";
import { toCallText, toDiffText, toRightsText } from "./policy-text.ts";

export interface PolicyDeps {
  /** Without targets the configured folder. */
  check(targets: readonly string[]): Promise<PolicyCheckReport>;
  /** Each of these rejects where the policies cannot be used; without one, the configured ones. */
  list(policy: string | undefined): Promise<readonly PolicyListing[]>;
  explain(request: PolicyExplainRequest): Promise<PolicyExplainReport>;
  diff(before: string, after: string): Promise<PolicyDiffReport>;
}

interface ExplainOptions {
  readonly tool?: string;
  readonly call?: string;
  readonly label?: string;
  readonly policy?: string;
}

const POLICY_OPTION = "--policy <dir>";
const POLICY_HELP = "a policy file or a folder of them, instead of the configured one";

export function addPolicyCommand(program: Command, deps: PolicyDeps): void {
  const policy = program
    .command("policy")
    .description("check, explain and compare sandbox policies");
  policy
    .command("check")
    .description("read policies as the server would, and tell each fault with its line")
    .argument("[target...]", "files or folders, instead of the configured folder")
    .action(async (targets: string[], _options: unknown, command: Command) => {
      const report = await deps.check(targets);
      print(isJson(command), report, () => toCheckText(report));
      if (!report.ok) process.exitCode = EXIT.config;
    });
  policy
    .command("list")
    .description("list the policies, most important first")
    .option(POLICY_OPTION, POLICY_HELP)
    .action(async (options: ExplainOptions, command: Command) => {
      const policies = await deps.list(options.policy);
      print(isJson(command), { policies }, () => toList(policies));
    });
  policy
    .command("explain")
    .description("tell which lines decide about a skill's calls")
    .argument("<skill>", "the name of a skill, or its folder")
    .option("--tool <name>", "the tool that is called")
    .option("--call <what>", '"GET https://..." or a host function, as "kv-get"')
    .option("--label <label>", "the label of the call")
    .option(POLICY_OPTION, POLICY_HELP)
    .action(async (skill: string, options: ExplainOptions, command: Command) => {
      const { tool, call, label } = options;
      const request = { skill, tool, call, label, policy: options.policy };
      const report = toExplained(await deps.explain(request), request);
      print(isJson(command), report, () => toExplainText(report, request));
    });
  policy
    .command("diff")
    .description("tell what other policies allow that these do not, and the reverse")
    .argument("<before>", "a policy file or a folder of them")
    .argument("<after>", "another")
    .action(async (before: string, after: string, _options: unknown, command: Command) => {
      const report = await deps.diff(before, after);
      print(isJson(command), report, () => toDiffText(report));
    });
}

function toCheckText({ policies, faults }: PolicyCheckReport): string {
  const lines = policies.map(({ file, name }) => `ok    ${file} (${name})`);
  return toPlainText([...lines, ...faults.map((fault) => `FAIL  ${fault}`)].join("\n"));
}

function toList(policies: readonly PolicyListing[]): string {
  const rows = policies.map(({ name, priority, mode, match, file, description }) => [
    name,
    String(priority),
    mode,
    match.trust.join(","),
    match.skills.join(","),
    match.labels?.join(",") ?? "-",
    file,
    description ?? "",
  ]);
  const head = ["policy", "priority", "mode", "trust", "skills", "labels", "file", ""];
  return toPlainText(toTable([head, ...rows]));
}

type Explained = Extract<PolicyExplainReport, { kind: "explained" }>;

function toExplained(report: PolicyExplainReport, request: PolicyExplainRequest): Explained {
  switch (report.kind) {
    case "explained":
      return report;
    case "unknown-skill":
      throw new UsageError(
        `Cannot explain skill "${request.skill}": expected a name that "skill list" tells, or a folder`,
      );
    case "unknown-tool":
      throw new UsageError(
        `Cannot explain tool "${request.tool}": expected one of ${report.tools.join(", ")}`,
      );
    case "unknown-call":
      throw new UsageError(
        `Cannot explain call "${request.call}": expected "<METHOD> <URL>" or a host function, ` +
          'as "now", "random", "log", "config", "kv-get", "schedule"',
      );
    default:
      return report satisfies never;
  }
}

function toExplainText({ skill, rights, call }: Explained, request: PolicyExplainRequest): string {
  const tool = request.tool === undefined ? "" : `.${request.tool}`;
  const label = request.label === undefined ? "" : `, label ${request.label}`;
  const title = `${skill.name}${tool} ${skill.version} (${skill.trust}${label})`;
  const answer = call === undefined ? [] : [toCallText(request.call ?? "", call)];
  return toPlainText([title, ...answer, toRightsText(rights)].join("\n\n"));
}
