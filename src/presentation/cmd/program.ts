import { Command } from "commander";
import { Fault } from "#domain/shared/fault.ts";
import type { AccountsDeps } from "./accounts.ts";
import { type ApprovalDeps, addApprovalCommand } from "./approval.ts";
import { type AuditDeps, addAuditCommand } from "./audit.ts";
import { addBackupCommand, type BackupDeps } from "./backup.ts";
import { addChatCommand, type ChatDeps } from "./chat.ts";
import { CommandError } from "./command-error.ts";
import { addDoctorCommand, type DoctorDeps } from "./doctor.ts";
import { toExitCode, UsageError } from "./exit-code.ts";
import { addLoginCommand, type LoginDeps } from "./login.ts";
import { addMcpCommand, type McpDeps } from "./mcp.ts";
import { addMigrateCommand, type MigrateDeps } from "./migrate.ts";
import { addModelCommand, type ModelDeps } from "./model.ts";
import { toPlainText } from "./output.ts";
import { addPolicyCommand, type PolicyDeps } from "./policy.ts";
import { addRestoreCommand, type RestoreDeps } from "./restore.ts";
import { addSandboxCommand, type SandboxDeps } from "./sandbox.ts";
import { addScheduleCommand, type ScheduleDeps } from "./schedule.ts";
import { addServeCommand, type ServeDeps } from "./serve.ts";
import { addSkillCommand, type SkillDeps } from "./skill.ts";
import { addStopCommand, type StopDeps } from "./stop.ts";
import { addTaskCommand, type TaskDeps } from "./task.ts";
import { addTokenCommand } from "./token.ts";
import { addTurnCommand, type TurnDeps } from "./turn.ts";
import { addUserCommand } from "./user.ts";

export interface ProgramDeps {
  readonly version: string;
  /** Takes the secrets of the configuration out of a text, where there is a configuration. */
  readonly mask: (text: string) => Promise<string>;
  readonly serve: ServeDeps;
  readonly chat: ChatDeps;
  readonly approval: ApprovalDeps;
  readonly task: TaskDeps;
  readonly doctor: DoctorDeps;
  readonly migrate: MigrateDeps;
  readonly schedule: ScheduleDeps;
  readonly model: ModelDeps;
  readonly mcp: McpDeps;
  readonly turn: TurnDeps;
  readonly skill: SkillDeps;
  readonly sandbox: SandboxDeps;
  readonly policy: PolicyDeps;
  readonly login: LoginDeps;
  readonly audit: AuditDeps;
  readonly backup: BackupDeps;
  readonly restore: RestoreDeps;
  readonly accounts: AccountsDeps;
  readonly stop: StopDeps;
}

/** Runs the command that `args` ask for and gives the exit code. Never throws. */
export async function runProgram(deps: ProgramDeps, args: readonly string[]): Promise<number> {
  const program = createProgram(deps);
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    await report(error, args.includes("--json"), deps.mask);
    return toExitCode(error);
  }
}

function createProgram(deps: ProgramDeps): Command {
  const program = new Command("nexflow")
    .description("A self-hosted AI agent whose skills run sandboxed")
    .version(deps.version)
    .option("--json", "write JSON for programs instead of text for people")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(--help lists what there is)")
    .addHelpText("after", EXIT_HELP)
    .exitOverride();
  addServeCommand(program, deps.serve);
  addChatCommand(program, deps.chat);
  addStopCommand(program, deps.stop);
  addApprovalCommand(program, deps.approval);
  addTaskCommand(program, deps.task);
  addScheduleCommand(program, deps.schedule);
  addModelCommand(program, deps.model);
  addMcpCommand(program, deps.mcp);
  addTurnCommand(program, deps.turn);
  addSkillCommand(program, deps.skill);
  addSandboxCommand(program, deps.sandbox);
  addPolicyCommand(program, deps.policy);
  addDoctorCommand(program, deps.doctor);
  addMigrateCommand(program, deps.migrate);
  addBackupCommand(program, deps.backup);
  addRestoreCommand(program, deps.restore);
  addAuditCommand(program, deps.audit);
  addLoginCommand(program, deps.login);
  addUserCommand(program, deps.accounts);
  addTokenCommand(program, deps.accounts);
  return program;
}

const EXIT_HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 78 configuration that cannot be used.
Configuration comes from the environment; see the README for NEXFLOW_HOME, NEXFLOW_PORT, NEXFLOW_MODEL and more.`;

/** Commander has written what its own errors have to say. */
async function report(error: unknown, isJson: boolean, mask: ProgramDeps["mask"]): Promise<void> {
  if (error instanceof Error && "exitCode" in error) return;
  const { code, message } = toFailure(error);
  const failure = { code, message: await mask(message) };
  if (isJson) console.log(JSON.stringify({ ok: false, error: failure }));
  else console.error(`nexflow: ${toPlainText(failure.message)}`);
}

function toFailure(error: unknown): { code: string; message: string } {
  if (error instanceof Fault) return { code: error.code, message: error.message };
  if (error instanceof UsageError) return { code: "USAGE", message: error.message };
  if (error instanceof CommandError) return { code: error.code, message: error.message };
  return {
    code: "INTERNAL",
    message: error instanceof Error ? (error.stack ?? "") : String(error),
  };
}
