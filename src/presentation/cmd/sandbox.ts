import { type Command, Option } from "commander";
import { EXIT } from "./exit-code.ts";
import { isJson, print, toPlainText } from "./output.ts";
import { addSandboxCallsCommand, type SandboxCallsDeps } from "./sandbox-calls.ts";

export interface SandboxDeps extends SandboxCallsDeps {
  /** Runs hostile skills against this host and tells of each. */
  prove(request: ProveRequest): Promise<AsyncIterable<ProveEvent>>;
}

export interface ProveRequest {
  readonly group: ProveGroup | undefined;
  /** A folder of policies instead of the configured one. */
  readonly policyDir: string | undefined;
}

export type ProveEvent =
  | { readonly kind: "begun"; readonly attacks: readonly { readonly name: string }[] }
  | ({ readonly kind: "attacked" } & ProvedAttack)
  | ({ readonly kind: "ended" } & ProveSummary);

interface ProvedAttack {
  readonly group: string;
  readonly name: string;
  readonly about: string;
  readonly source: string | undefined;
  readonly expected: readonly string[];
  readonly outcomes: readonly string[];
  readonly detail: string;
  readonly faults: readonly string[];
  readonly ms: number;
}

interface ProveSummary {
  readonly held: number;
  readonly breached: number;
  readonly ms: number;
  readonly layers: readonly ProvedLayer[];
  readonly versions: Readonly<Record<string, string>>;
}

interface ProvedLayer {
  readonly name: string;
  readonly isInForce: boolean;
  readonly detail: string;
}

const GROUPS = [
  "escape",
  "cpu",
  "memory",
  "output",
  "admission",
  "state-leak",
  "neighbours",
  "network",
] as const;
export type ProveGroup = (typeof GROUPS)[number];

interface ProveOptions {
  readonly group?: ProveGroup;
  readonly policy?: string;
}

export function addSandboxCommand(program: Command, deps: SandboxDeps): void {
  const sandbox = program
    .command("sandbox")
    .description("prove that the sandbox holds, and see what skills did in it");
  addSandboxCallsCommand(sandbox, deps);
  sandbox
    .command("prove")
    .description("run hostile skills against this machine and its policies, about a minute")
    .addOption(new Option("--group <name>", "only the attacks of one group").choices(GROUPS))
    .option("--policy <dir>", "a folder of policies, instead of the configured one")
    .action(async ({ group, policy }: ProveOptions, command: Command) => {
      const events = await deps.prove({ group, policyDir: policy });
      const asJson = isJson(command);
      const ok = asJson ? await report(events) : await show(events);
      if (!ok) process.exitCode = EXIT.failed;
    });
}

/** One object when all is over. */
async function report(events: AsyncIterable<ProveEvent>): Promise<boolean> {
  const attacks: ProvedAttack[] = [];
  let summary: ProveSummary | undefined;
  for await (const { kind, ...event } of events) {
    if ("faults" in event) attacks.push(event);
    else if (kind === "ended" && "breached" in event) summary = event;
  }
  const ok = summary?.breached === 0;
  print(true, { ok, attacks, ...summary }, () => "");
  return ok;
}

/** A table that grows with each attack, and what it comes to. */
async function show(events: AsyncIterable<ProveEvent>): Promise<boolean> {
  const breaches: string[] = [];
  let toRow = createRow(0);
  for await (const event of events) {
    switch (event.kind) {
      case "begun":
        toRow = createRow(Math.max(...event.attacks.map(({ name }) => name.length)));
        console.log(toRow(HEAD));
        break;
      case "attacked":
        if (event.faults.length > 0) breaches.push(event.name);
        console.log(toLines(event, toRow));
        break;
      case "ended":
        console.log(toSummary(event, breaches));
        return event.breached === 0;
      default:
        event satisfies never;
    }
  }
  return false;
}

interface Row {
  readonly group: string;
  readonly attack: string;
  readonly expected: string;
  readonly happened: string;
  readonly ms: string;
  readonly verdict: string;
}

const HEAD: Row = {
  group: "GROUP",
  attack: "ATTACK",
  expected: "EXPECTED",
  happened: "HAPPENED",
  ms: "MS",
  verdict: "",
};
const GROUP_CHARS = Math.max(...GROUPS.map((each) => each.length));
const OUTCOME_CHARS = 22;
const MS_CHARS = 6;

function createRow(attackChars: number): (row: Row) => string {
  return ({ group, attack, expected, happened, ms, verdict }) =>
    [
      group.padEnd(GROUP_CHARS),
      attack.padEnd(attackChars),
      shorten(expected).padEnd(OUTCOME_CHARS),
      shorten(happened).padEnd(OUTCOME_CHARS),
      ms.padStart(MS_CHARS),
      verdict,
    ]
      .join("  ")
      .trimEnd();
}

function shorten(text: string): string {
  return text.length <= OUTCOME_CHARS ? text : `${text.slice(0, OUTCOME_CHARS - 1)}…`;
}

function toLines(result: ProvedAttack, toRow: (row: Row) => string): string {
  const { group, name, about, source, faults } = result;
  const line = toRow({
    group,
    attack: name,
    expected: result.expected.join(" or "),
    happened: result.outcomes.join(", "),
    ms: result.ms.toFixed(0),
    verdict: faults.length === 0 ? "held" : "BREACH",
  });
  if (faults.length === 0) return line;
  const origin = source === undefined ? "" : ` (${source})`;
  const details = [`${about}${origin}`, ...faults].map((each) => `    ${toPlainText(each)}`);
  return [line, ...details].join("\n");
}

function toSummary(summary: ProveSummary, breaches: readonly string[]): string {
  const { held, breached, ms, layers, versions } = summary;
  const attacks = `${held} of ${held + breached} attacks held, ${(ms / 1000).toFixed(0)} s`;
  const verdict = breached === 0 ? attacks : `${attacks}. BREACHES: ${breaches.join(", ")}`;
  const layerLines = layers.map(
    ({ name, isInForce, detail }) =>
      `  ${isInForce ? "in force    " : "NOT IN FORCE"}  ${name}: ${toPlainText(detail)}`,
  );
  const made = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    "",
    verdict,
    ...(layerLines.length === 0 ? [] : ["Layers around a sandbox process:", ...layerLines]),
    made.join(", "),
  ].join("\n");
}
